import { renderBakeUserData } from "../../cloud-init/bake.ts";
import { renderUserData } from "../../cloud-init/render.ts";
import { type ConfigFiles, environmentNames, roleNames } from "../config/files.ts";
import { loadTopology, roleFaults, sortFaults } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import { isFleet } from "../config/servers.ts";
import { userDataVariables } from "../config/user-data.ts";
import type { SchemaAnswer } from "../edges/cloud-init.ts";
import type { Fault } from "../errors.ts";
import { recipeDigest } from "../image/recipe.ts";
import { roleRecipe } from "../release/sources.ts";

/** EC2's limit for user-data, in bytes before base64. */
const userDataLimit = 16_384;

export interface ValidateContext {
  files: ConfigFiles;
  /** All when empty. */
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
  const environments = context.environments.length > 0 ? [...context.environments] : environmentNames(files);
  const faults: Fault[] =
    context.environments.length > 0 ? [] : roleNames(files).flatMap((role) => roleFaults(files, role));
  let cloudInitAsked = true;
  for (const name of environments) {
    const loaded = loadTopology(files, name);
    if (loaded.kind === "faulty") {
      faults.push(...loaded.faults);
      continue;
    }
    for (const rendered of renderAll(loaded.topology, files)) {
      if ("fault" in rendered) {
        faults.push(rendered.fault);
        continue;
      }
      faults.push(...sizeFault(rendered));
      const answer = await context.askCloudInit(rendered.text);
      if (answer.kind === "not-installed") cloudInitAsked = false;
      if (answer.kind === "invalid") faults.push(rejected(rendered, answer.complaints));
    }
  }
  return { version: 1, environments, cloudInitAsked, faults: sortFaults(unique(faults)) };
}

interface Rendered {
  /** The file that a fault of the text is to be mended in. */
  file: string;
  what: string;
  text: string;
}

/** User-data of one server of each role, and of each role's builder. The pins have the length of real ones. */
function renderAll(topology: Topology, files: ConfigFiles): (Rendered | { fault: Fault })[] {
  const { environment } = topology;
  return Object.keys(environment.roles).flatMap((role) => {
    const file = `cloud-init/templates/${role}.yaml`;
    const server = isFleet(topology.roles[role]!) ? role : `${role}-0`;
    const pins = {
      site: "recovery" as const,
      region: environment.regions.recovery,
      release: { release: `${"0".repeat(12)}-${"0".repeat(12)}`, commit: "0".repeat(40) },
      manifest: {
        bucket: "rekindle-placeholder",
        key: `releases/${"0".repeat(25)}/manifest.json`,
        versionId: "0".repeat(32),
        sha256: "0".repeat(64),
      },
    };
    const recipe = roleRecipe(topology, role, files);
    const template = Buffer.from(files.get(file)!.content).toString();
    const what = `user-data of role ${role} in environment ${environment.name}`;
    return [
      attempt(file, what, () =>
        renderUserData(template, userDataVariables(topology, pins, { role, server })),
      ),
      attempt(`configs/roles/${role}/role.yaml`, `bake ${what}`, () =>
        renderBakeUserData({ ...recipe, recipeDigest: recipeDigest(recipe) }),
      ),
    ];
  });
}

function attempt(file: string, what: string, render: () => string): Rendered | { fault: Fault } {
  try {
    return { file, what, text: render() };
  } catch (error) {
    const line = (error as { line?: number }).line ?? 1;
    const message = `${what} can't be rendered: ${(error as Error).message}`;
    return { fault: { place: { file, line, column: 1 }, message, move: "correct the template" } };
  }
}

function sizeFault({ file, what, text }: Rendered): Fault[] {
  const bytes = Buffer.byteLength(text);
  if (bytes <= userDataLimit) return [];
  const message = `${what} has ${bytes} bytes, over EC2's limit of ${userDataLimit}`;
  return [
    {
      place: { file, line: 1, column: 1 },
      message,
      move: "move files from user-data into the role's configuration",
    },
  ];
}

function rejected({ file, what }: Rendered, complaints: string[]): Fault {
  const message = `cloud-init rejects the ${what}: ${complaints.join(" | ")}`;
  return { place: { file, line: 1, column: 1 }, message, move: "correct the template" };
}

function unique(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()];
}
