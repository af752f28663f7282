import { type ConfigFiles, environmentNames, roleNames } from "../config/files.ts";
import { loadTopology, roleFaults, sortFaults } from "../config/load.ts";
import { type Rendered, renderEverything } from "../config/rendered.ts";
import { complaintFault, renderedFaults } from "../config/rendered-faults.ts";
import { strayFiles } from "../config/stray-files.ts";
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
}

/** Checks environments, roles and the user-data that they render, and reports every fault at once. */
export async function validate(context: ValidateContext): Promise<Validation> {
  const { files } = context;
  const isEverything = context.environments.length === 0;
  const environments = isEverything ? environmentNames(files) : [...new Set(context.environments)];
  const faults = isEverything ? faultsOfTheRest(files) : [];
  const rendered: Rendered[] = [];
  for (const name of environments) {
    const loaded = loadTopology(files, name);
    if (loaded.kind === "faulty") {
      faults.push(...loaded.faults);
      continue;
    }
    for (const rendering of renderEverything(loaded.topology, files)) {
      if (rendering.kind === "faulty") faults.push(rendering.fault);
      else rendered.push(rendering.rendered);
    }
  }
  let cloudInitAsked = true;
  for (const one of distinct(rendered, ({ text }) => text)) {
    const own = renderedFaults(one);
    faults.push(...own);
    if (own.length > 0) continue;
    const answer = await context.askCloudInit(one.text);
    if (answer.kind === "not-installed") cloudInitAsked = false;
    if (answer.kind === "invalid")
      faults.push(...answer.complaints.map((complaint) => complaintFault(one, complaint)));
  }
  return {
    version: 1,
    environments,
    cloudInitAsked,
    faults: sortFaults(distinct(faults, (fault) => JSON.stringify(fault))),
  };
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
