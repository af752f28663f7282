/** Passed only when it was seen to hold: what nobody could look at never is. */
export type Outcome = "passed" | "failed" | "could-not-look";

/** What a look saw, or why nobody could look. */
export type Looked<T> = { kind: "seen"; value: T } | { kind: "could-not-look"; reason: string };

/** One thing that must hold for a recovery to work. `name` is fixed: monitors know it. */
export interface StatusCheck {
  name: string;
  outcome: Outcome;
  /** What was found, or why it could not be. */
  found: string;
  /** What to do about it; absent when there is nothing to do. */
  move?: string;
}

const worstFirst: readonly Outcome[] = ["failed", "could-not-look", "passed"];

/** What several outcomes come to: all must pass. */
export function worst(outcomes: readonly Outcome[]): Outcome {
  return worstFirst.find((outcome) => outcomes.includes(outcome)) ?? "passed";
}

export function passed(name: string, found: string): StatusCheck {
  return { name, outcome: "passed", found };
}

export function failed(name: string, found: string, move: string): StatusCheck {
  return { name, outcome: "failed", found, move };
}

/** Judges what was seen, or passes on why nothing was. */
export function judged<T>(name: string, looked: Looked<T>, judge: (seen: T) => StatusCheck): StatusCheck {
  return looked.kind === "seen"
    ? judge(looked.value)
    : { name, outcome: "could-not-look", found: looked.reason };
}
