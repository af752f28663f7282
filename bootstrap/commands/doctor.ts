import type { EngineFinding } from "../edges/engines.ts";
import { finders, type ToolName } from "../edges/tools/all.ts";
import type { ToolContext } from "../edges/tools/context.ts";
import { demandFound, type Finding, type Found, whyUnfit } from "../edges/tools/finding.ts";
import { RekindleError } from "../errors.ts";
import { encodeJson } from "../json.ts";

/** Everything that Rekindle uses, and whether all that it needs is there. */
export interface Diagnosis {
  version: 1;
  kind: "complete" | "incomplete";
  needed: Finding[];
  /** Makes some command better; its absence is no fault. */
  optional: Finding[];
  /** What gives a sandbox's servers bodies, the one to prefer first; none is needed. */
  engines: EngineFinding[];
}

/** Looks at the engines; not every caller asks for them, since that takes a moment. */
export type LookAtEngines = () => Promise<EngineFinding[]>;

const needed: ToolName[] = ["node", "git", "terraform", "aws provider", "emulator"];
// The emulator's own finding counts Python when it is needed to install it.
const optional: ToolName[] = ["python3", "cloud-init", "shellcheck", "aws"];

/** Looks at every tool and prints what it found; raises when something needed is missing. */
export async function doctor(
  context: ToolContext,
  lookAtEngines: LookAtEngines,
  options: { json?: boolean } = {},
): Promise<Diagnosis> {
  const diagnosis = await diagnose(context, lookAtEngines);
  const lines = options.json ? [encodeJson(diagnosis).trimEnd()] : describeDiagnosis(diagnosis);
  for (const line of lines) context.print(line);
  if (diagnosis.kind === "complete") return diagnosis;
  const unfit = diagnosis.needed.filter(isUnfit);
  throw new RekindleError(
    "missing-tool",
    `not everything needed is there; install the ${unfit.length} below`,
    {
      details: unfit.map((finding) => `${finding.tool}: ${finding.install}`),
    },
  );
}

/** The same check for one tool, for the commands that need it. */
export async function requireTool(context: ToolContext, tool: ToolName): Promise<Found> {
  return demandFound(await finders[tool](context));
}

export async function diagnose(context: ToolContext, lookAtEngines: LookAtEngines): Promise<Diagnosis> {
  const [neededFindings, optionalFindings, engines] = await Promise.all([
    lookAt(context, needed),
    lookAt(context, optional),
    lookAtEngines(),
  ]);
  return {
    version: 1,
    kind: neededFindings.some(isUnfit) ? "incomplete" : "complete",
    needed: neededFindings,
    optional: optionalFindings,
    engines,
  };
}

/** What a command can't do without, as it was found. */
export function lookAtNeeded(context: ToolContext): Promise<Finding[]> {
  return lookAt(context, needed);
}

function lookAt(context: ToolContext, tools: readonly ToolName[]): Promise<Finding[]> {
  return Promise.all(tools.map((tool) => finders[tool](context)));
}

/** A table: thing, version, where it is or what is wrong; below what is wrong the command that mends it. */
export function describeDiagnosis({ needed, optional, engines, kind }: Diagnosis): string[] {
  const width = Math.max(...[...needed, ...optional].map(({ tool }) => tool.length)) + 2;
  const row = (finding: Finding) => {
    const start = `${finding.kind.padEnd(9)}${finding.tool.padEnd(width)}`;
    if (finding.kind === "found") {
      const note = finding.note === undefined ? "" : ` (${finding.note})`;
      return [`${start}${finding.version.padEnd(10)}${finding.path}${note}`];
    }
    const version = finding.kind === "too-old" ? finding.version : "-";
    return [
      `${start}${version.padEnd(10)}${whyUnfit(finding)}`,
      `${" ".repeat(9)}install: ${finding.install}`,
    ];
  };
  return [
    ...needed.flatMap(row),
    "optional:",
    ...optional.flatMap(row),
    "engines, for servers with bodies:",
    ...engines.flatMap(describeEngine),
    kind === "complete" ? "everything needed is there" : "something needed is not there",
  ];
}

function describeEngine({ engine, missing, hasBase }: EngineFinding): string[] {
  if (missing.length === 0)
    return [
      `${"found".padEnd(9)}${engine}${hasBase ? "" : " (the first use builds its base image from Debian's packages)"}`,
    ];
  const packages = missing.flatMap((lack) => lack.package ?? []);
  return [
    `${"missing".padEnd(9)}${engine}  ${missing.map(({ reason }) => reason).join("; ")}`,
    ...(packages.length === missing.length
      ? [`${" ".repeat(9)}install: npm run gameday -- --setup, or apt-get install ${packages.join(" ")}`]
      : []),
  ];
}

function isUnfit(finding: Finding): finding is Exclude<Finding, { kind: "found" }> {
  return finding.kind !== "found";
}
