import { RekindleError } from "../../errors.ts";

/** What a look at one tool found. `install` is a command for this system; `reason` says what was looked for. */
export type Finding = Found | Missing | TooOld;

export interface Found {
  tool: string;
  kind: "found";
  version: string;
  /** A program's path, or for the provider the folder or configuration that it comes from. */
  path: string;
  /** Arguments that come before the caller's own. */
  args?: readonly string[];
  /** What a reader of `doctor` should know, such as what the first use will download. */
  note?: string;
}

export interface Missing {
  tool: string;
  kind: "missing";
  reason: string;
  install: string;
}

export interface TooOld {
  tool: string;
  kind: "too-old";
  version: string;
  needs: string;
  path: string;
  install: string;
}

/** What was found, or the error that says how to install it. */
export function demandFound(finding: Finding): Found {
  if (finding.kind === "found") return finding;
  throw missingTool(finding);
}

export function missingTool(finding: Missing | TooOld): RekindleError {
  return new RekindleError(
    "missing-tool",
    `${finding.tool} is needed: ${whyUnfit(finding)}; to install it: ${finding.install}`,
  );
}

export function whyUnfit(finding: Missing | TooOld): string {
  if (finding.kind === "missing") return finding.reason;
  return `${finding.path} is ${finding.version}, older than ${finding.needs}`;
}

/** Compares the first three numbers; what follows them (`-rc1`) does not count. */
export function isAtLeast(version: string, needs: string): boolean {
  const [have, want] = [numbers(version), numbers(needs)];
  for (const [index, number] of want.entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** The first thing in a text that looks like a version: `git version 2.39.5` → `2.39.5`. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0];
}

function numbers(version: string): number[] {
  return (versionIn(version) ?? "0").split(".").map(Number);
}
