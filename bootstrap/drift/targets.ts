import { hostOf, type SourceRule } from "../collect/sources.ts";

/** An instance that runs, as its tags say what it is. */
export interface LiveServer {
  instance: string;
  region: string;
  role: string;
  /** The role's name for the servers of a fleet, which have none of their own. */
  server: string;
}

/** A live server, and the way that leads to its shell. */
export type Target = { role: string; name: string } & (
  | { kind: "ssh"; host: string }
  | { kind: "ssm"; instance: string; region: string }
);

/** A host that nobody can log in to, and why. */
export interface NotAsked {
  role: string;
  host: string;
  reason: string;
}

/**
 * The live servers of some roles, each once: over SSH where the role says that it is collected so, else over SSM. An
 * instance counts as the SSH host that has its server's name.
 */
export function driftTargets(
  sources: ReadonlyMap<string, readonly SourceRule[]>,
  live: readonly LiveServer[],
): { targets: Target[]; notAsked: NotAsked[] } {
  const targets: Target[] = [];
  const notAsked: NotAsked[] = [];
  for (const [role, rules] of sources) {
    const named = new Set<string>();
    for (const rule of rules) {
      const name = hostOf(rule);
      named.add(name);
      if ("ssh" in rule) targets.push({ role, name, kind: "ssh", host: rule.ssh });
      else if ("ssm" in rule)
        targets.push({ role, name, kind: "ssm", instance: rule.ssm, region: rule.region });
      else notAsked.push({ role, host: name, reason: reasons["inbox" in rule ? "inbox" : "folder"] });
    }
    for (const { instance, region, server } of live.filter((one) => one.role === role)) {
      if (named.has(instance) || named.has(server)) continue;
      const name = server === role ? instance : server;
      targets.push({ role, name, kind: "ssm", instance, region });
    }
  }
  return { targets, notAsked };
}

const reasons = {
  inbox: "it pushes, and lets nobody in; run rekindle-boot --check there",
  folder: "it is a folder, and no server",
};
