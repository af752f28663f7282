import { partType } from "../../cloud-init/mime.ts";
import { inParallel } from "../collect/in-parallel.ts";
import { type ConfigFiles, environmentNames, roleNames } from "../config/files.ts";
import { loadTopology, roleFaults, sortFaults } from "../config/load.ts";
import { type Rendered, renderEverything } from "../config/rendered.ts";
import { complaintFault, renderedFaults } from "../config/rendered-faults.ts";
import { strayFiles } from "../config/stray-files.ts";
import { takenImageWarnings } from "../config/taken-images.ts";
import type { SchemaAnswer } from "../edges/cloud-init.ts";
import type { Fault } from "../errors.ts";
import { secretFaults } from "../secrets/allowed.ts";

export interface ValidateContext {
  files: ConfigFiles;
  /** All when empty; then every role, named by an environment or not, is checked too. */
  environments: readonly string[];
  askCloudInit(userData: string): Promise<SchemaAnswer>;
}

export interface Validation {
  version: 1;
  environments: string[];
  /** False when cloud-init is not on this machine, so that only Rekindle's own checks were made. */
  cloudInitAsked: boolean;
  faults: Fault[];
  /** What may be meant so, and can't be checked here. */
  warnings: Fault[];
}

/** Checks environments, roles and the user-data that they render, and reports every fault at once. */
export async function validate(context: ValidateContext): Promise<Validation> {
  const { files } = context;
  const isEverything = context.environments.length === 0;
  const environments = isEverything ? environmentNames(files) : [...new Set(context.environments)];
  const faults = isEverything ? faultsOfTheRest(files) : [];
  const warnings: Fault[] = [];
  const rendered: Rendered[] = [];
  for (const name of environments) {
    const loaded = loadTopology(files, name);
    if (loaded.kind === "faulty") {
      faults.push(...loaded.faults);
      continue;
    }
    warnings.push(...takenImageWarnings(loaded.topology, files));
    for (const rendering of renderEverything(loaded.topology, files)) {
      if (rendering.kind === "faulty") faults.push(rendering.fault);
      else rendered.push(rendering.rendered);
    }
  }
  const looks = await inParallel(
    atOneTime,
    distinct(rendered, ({ text }) => text),
    (one) => look(one, context.askCloudInit),
  );
  faults.push(...looks.flatMap((found) => (found === "not-installed" ? [] : found)));
  return {
    version: 1,
    environments,
    cloudInitAsked: !looks.includes("not-installed"),
    faults: sortFaults(distinct(faults, (fault) => JSON.stringify(fault))),
    warnings: sortFaults(distinct(warnings, (warning) => JSON.stringify(warning))),
  };
}

/** cloud-init takes most of a second to answer, and most of that is its start. */
const atOneTime = 4;

/** What is wrong with one part of user-data. cloud-init has a schema of its own YAML only, and refuses a script. */
async function look(
  part: Rendered,
  askCloudInit: ValidateContext["askCloudInit"],
): Promise<Fault[] | "not-installed"> {
  if (partType(part.text) !== "text/cloud-config") return [];
  const own = renderedFaults(part);
  if (own.length > 0) return own;
  const answer = await askCloudInit(part.text);
  if (answer.kind === "not-installed") return answer.kind;
  return answer.kind === "valid" ? [] : answer.complaints.map((complaint) => complaintFault(part, complaint));
}

/** What is wrong beside the environments. */
function faultsOfTheRest(files: ConfigFiles): Fault[] {
  const faults = [
    ...roleNames(files).flatMap((role) => roleFaults(files, role)),
    ...strayFiles(files),
    ...secretFaults(files),
  ];
  if (environmentNames(files).length > 0) return faults;
  return [
    ...faults,
    {
      place: { file: "configs/environments", line: 1, column: 1 },
      message: "there is no environment",
      move: "add configs/environments/<name>.yaml; `rekindle schema environment` prints what goes there",
    },
  ];
}

/** A role's builder and its files are the same for every environment. */
function distinct<T>(values: readonly T[], identity: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [identity(value), value])).values()];
}
