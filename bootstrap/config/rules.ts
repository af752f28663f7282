import type { Fault } from "../errors.ts";
import { networkRules } from "./network-rules.ts";
import { orderRules } from "./order-rules.ts";
import { roleRules } from "./role-rules.ts";
import type { Subject } from "./rule.ts";

/** Checks every rule: all faults, not the first one. */
export function checkRules(subject: Subject): Fault[] {
  return [...networkRules, ...orderRules, ...roleRules].flatMap(({ check }) => check(subject));
}
