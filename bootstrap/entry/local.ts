import { doctor } from "../commands/doctor.ts";
import { thisMachine } from "../edges/tools/context.ts";
import { RekindleError } from "../errors.ts";
import { projectRoot } from "./project.ts";

/** The commands that call nothing outside of this machine. */

export async function doctorCommand(options: { json?: boolean }): Promise<void> {
  await doctor(thisMachine(projectRoot(), process.env, console.log), options);
}

export async function validateCommand(_environments: string[], _options: { json?: boolean }): Promise<void> {
  throw new RekindleError("bad-input", "not wired yet");
}

export async function schemaCommand(_kind: string): Promise<void> {
  throw new RekindleError("bad-input", "not wired yet");
}
