import { isRegionName } from "./lost-regions.ts";
import { type FaultKind, type FaultRule, faultKinds } from "./protocol.ts";

/** The one call that asks for room. */
const launch = { service: "ec2", action: "RunInstances" };
const fields = ["service", "action", "region", "share", "kind", "latencyMs"];

/** A rule, or everything that is wrong with it. */
export type ReadRule = { kind: "rule"; rule: FaultRule } | { kind: "wrong"; reasons: string[] };

export function readFaultRule(value: unknown): ReadRule {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "wrong", reasons: [`a fault is a JSON object, not ${JSON.stringify(value)}`] };
  }
  const given = value as Record<string, unknown>;
  const { share = 1, kind, latencyMs } = given;
  const reasons: string[] = [];
  for (const name of Object.keys(given)) {
    if (!fields.includes(name)) reasons.push(`unknown key "${name}"; a fault has ${fields.join(", ")}`);
  }
  for (const name of ["service", "action", "region"]) {
    if (given[name] !== undefined && (typeof given[name] !== "string" || given[name] === "")) {
      reasons.push(`${name} is ${JSON.stringify(given[name])}; give a name, or leave it out to match all`);
    }
  }
  if (typeof given.region === "string" && given.region !== "" && !isRegionName(given.region)) {
    reasons.push(`region is ${JSON.stringify(given.region)}; give the name of one, such as eu-west-1`);
  }
  if (typeof share !== "number" || !(share >= 0 && share <= 1)) {
    reasons.push(`share is ${JSON.stringify(share)}; give a number from 0 to 1`);
  }
  if (!faultKinds.includes(kind as FaultKind)) {
    reasons.push(`kind is ${JSON.stringify(kind)}; give one of ${faultKinds.join(", ")}`);
  }
  if (kind === "latency" && !(typeof latencyMs === "number" && latencyMs >= 0 && latencyMs <= 600_000)) {
    reasons.push(
      `latencyMs is ${JSON.stringify(latencyMs)}; a latency fault needs milliseconds from 0 to 600000`,
    );
  }
  if (kind !== "latency" && latencyMs !== undefined) {
    reasons.push("latencyMs is only for faults of kind latency; leave it out");
  }
  for (const [name, only] of Object.entries(kind === "capacity" ? launch : {})) {
    const asked = given[name];
    if (typeof asked === "string" && asked.toLowerCase() !== only.toLowerCase())
      reasons.push(`${name} is ${JSON.stringify(asked)}; only ${only} lacks capacity, so leave it out`);
  }
  if (reasons.length > 0) return { kind: "wrong", reasons };
  return { kind: "rule", rule: { ...given, ...(kind === "capacity" ? launch : {}), share } as FaultRule };
}
