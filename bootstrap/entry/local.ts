import { doctor } from "../commands/doctor.ts";
import { validate } from "../commands/validate.ts";
import { jsonSchema, type SchemaKind, schemaKinds } from "../config/json-schema.ts";
import { askCloudInit } from "../edges/cloud-init.ts";
import { readConfigFiles } from "../edges/config-files.ts";
import { lookAtEngines } from "../edges/engines.ts";
import { thisMachine } from "../edges/tools/context.ts";
import { badConfiguration, formatFault, RekindleError } from "../errors.ts";
import { projectRoot } from "./project.ts";

/** The commands that call nothing outside of this machine. */

export async function doctorCommand(options: { json?: boolean }): Promise<void> {
  const machine = thisMachine(projectRoot(), process.env, console.log);
  await doctor(machine, () => lookAtEngines(machine.stateDir), options);
}

export async function validateCommand(environments: string[], options: { json?: boolean }): Promise<void> {
  const files = await readConfigFiles(projectRoot());
  const validation = await validate({ files, environments, askCloudInit });
  if (options.json) console.log(JSON.stringify(validation, undefined, 2));
  for (const warning of validation.warnings) console.error(`warning: ${formatFault(warning)}`);
  if (validation.faults.length > 0) throw badConfiguration(validation.faults);
  if (options.json) return;
  for (const name of validation.environments)
    console.log(`valid: environment ${name}, its roles and their user-data`);
  if (!validation.cloudInitAsked)
    console.log("cloud-init is not on this machine, so it was not asked; its own schema may find more");
}

export async function schemaCommand(kind: string): Promise<void> {
  if (!schemaKinds.includes(kind as SchemaKind)) {
    throw new RekindleError(
      "bad-input",
      `there is no schema of ${JSON.stringify(kind)}; name one of ${schemaKinds.join(", ")}`,
    );
  }
  process.stdout.write(jsonSchema(kind as SchemaKind));
}
