import type { LiveServer } from "../drift/targets.ts";
import type { BootReport } from "../history/log.ts";
import type { Check } from "../recovery/check.ts";

/** A live server, and when EC2 launched it. */
export interface LaunchedServer extends LiveServer {
  /** ISO 8601, UTC, like all times here. */
  launchedAt: string;
}

/** How a server of the rebuilt environment came up, in its own words. */
export interface ServerBoot extends LaunchedServer {
  /** `silent`: it has not told. */
  outcome: BootReport["outcome"] | "silent";
  message: string;
  /** The rest is absent of one that is silent: when its boot script began and ended. */
  startedAt?: string;
  finishedAt?: string;
  /** From its launch until its role was healthy, or until it gave up. */
  bootSeconds?: number;
  /** Of these seconds: assembling and mounting its data volumes. */
  dataSeconds?: number;
  /** What the boot script did, one after the other. */
  steps?: { name: string; seconds: number }[];
}

/** The last that a server said on its console. */
export interface ServerConsole {
  server: string;
  instance: string;
  lines: string[];
}

/** A span of the wall clock, in milliseconds. */
export interface Span {
  from: number;
  to: number;
}

const dataStep = "mount data";

/** Each live server beside its report; of one that has none only its silence is known. */
export function assembleBoots(
  servers: readonly LaunchedServer[],
  reports: readonly BootReport[],
): ServerBoot[] {
  return servers.map((known) => {
    const report = reports.find(({ instance }) => instance === known.instance);
    if (report === undefined)
      return { ...known, outcome: "silent", message: "it has not told how its boot went" };
    const { outcome, message, startedAt, finishedAt } = report;
    const steps = report.steps.map(({ name, milliseconds }) => ({ name, seconds: milliseconds / 1000 }));
    const inData = steps.filter(({ name }) => name === dataStep);
    return {
      ...known,
      outcome,
      message,
      startedAt,
      finishedAt,
      bootSeconds: rounded((Date.parse(finishedAt) - Date.parse(known.launchedAt)) / 1000),
      dataSeconds: rounded(inData.reduce((sum, { seconds }) => sum + seconds, 0)),
      steps,
    };
  });
}

/** Whether a server runs what it was to run. */
export function isUp({ outcome }: Pick<ServerBoot, "outcome">): boolean {
  return outcome === "healthy" || outcome === "unchanged";
}

/** Servers that will not come any more, of roles that have no other: the environment can't be served without them. */
export function beyondHope(boots: readonly ServerBoot[]): ServerBoot[] {
  const hasFailed = ({ outcome }: ServerBoot) => outcome === "failed" || outcome === "rolled-back";
  return boots.filter(
    (boot) => hasFailed(boot) && boots.every((other) => other.role !== boot.role || hasFailed(other)),
  );
}

/** A server that has not told has only its console to speak for it: the lines of it that tell of a failure, or its last. */
export function withLastWords(
  boots: readonly ServerBoot[],
  consoles: readonly ServerConsole[],
): ServerBoot[] {
  return boots.map((boot) => {
    const lines = consoles.find(({ instance }) => instance === boot.instance)?.lines ?? [];
    const said = lines.map((line) => line.trim()).filter((line) => line !== "");
    if (boot.outcome !== "silent" || said.length === 0) return boot;
    const failures = said.filter((line) => /fail|error|not found|denied|refused|panic/i.test(line));
    const last = failures.length > 0 ? failures.slice(-3) : said.slice(-1);
    return { ...boot, message: `${boot.message}; its console: ${last.join(" | ")}` };
  });
}

/** `db-0 (i-0123): …`; a fleet's server is known by its instance. */
export function describeBoot({ server, instance, message }: ServerBoot): string {
  return `${server} (${instance}): ${message}`;
}

export function bootChecks(boots: readonly ServerBoot[]): Check[] {
  return boots.map((boot) => ({
    name: `boot of ${boot.server === boot.role ? boot.instance : boot.server}`,
    passed: isUp(boot),
    expected: "healthy",
    found: isUp(boot) ? boot.message : `${boot.outcome}: ${boot.message}`,
  }));
}

/** When servers were at their data: the script's steps follow each other from its start. */
export function dataSpans(boots: readonly ServerBoot[]): Span[] {
  return boots.flatMap(({ startedAt = "", steps = [] }) => {
    let at = Date.parse(startedAt);
    return steps.flatMap(({ name, seconds }) => {
      const from = at;
      at += seconds * 1000;
      return name === dataStep ? [{ from, to: at }] : [];
    });
  });
}

function rounded(seconds: number): number {
  return Number(seconds.toFixed(3));
}
