import type { Fault, FaultKind, FaultRule } from "./protocol.ts";

/** What rules do to one request: hold it back, and perhaps answer it in the emulator's place. */
export interface Hit {
  delayMs: number;
  kind: Exclude<FaultKind, "latency"> | undefined;
}

interface Rule {
  fault: Fault;
  /** Grows by `share` with each match; a whole one is spent on a hit. Even spacing, no dice: tests can count. */
  credit: number;
}

type Target = { service: string; action: string; region: string };

/** Rules in the order in which they were added. Delays add up; the first rule that answers ends the search. */
export class Faults {
  readonly #rules = new Map<string, Rule>();
  #made = 0;

  add(rule: FaultRule): Fault {
    this.#made += 1;
    const fault = { id: `fault-${this.#made}`, ...rule };
    this.#rules.set(fault.id, { fault, credit: 0 });
    return fault;
  }

  remove(id: string): boolean {
    return this.#rules.delete(id);
  }

  clear(): void {
    this.#rules.clear();
  }

  list(): Fault[] {
    return [...this.#rules.values()].map(({ fault }) => fault);
  }

  strike(target: Target): Hit | undefined {
    let delayMs: number | undefined;
    for (const rule of this.#rules.values()) {
      if (!matches(rule.fault, target) || !spends(rule)) continue;
      const { kind, latencyMs } = rule.fault;
      if (kind !== "latency") return { delayMs: delayMs ?? 0, kind };
      delayMs = (delayMs ?? 0) + (latencyMs ?? 0);
    }
    return delayMs === undefined ? undefined : { delayMs, kind: undefined };
  }
}

/** However it is written: a rule that is never met tells nobody so. */
function matches(fault: Fault, target: Target): boolean {
  return (["service", "action", "region"] as const).every(
    (field) => fault[field] === undefined || fault[field].toLowerCase() === target[field].toLowerCase(),
  );
}

function spends(rule: Rule): boolean {
  // Three times a third must make a whole.
  const whole = 1 - 1e-9;
  rule.credit += rule.fault.share;
  if (rule.credit < whole) return false;
  rule.credit -= 1;
  return true;
}
