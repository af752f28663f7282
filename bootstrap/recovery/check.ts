/** One thing that was looked at: what should be, and what was. */
export interface Check {
  name: string;
  passed: boolean;
  expected: string;
  found: string;
}

export function check(name: string, expected: string | number, found: string | number): Check {
  return { name, passed: expected === found, expected: String(expected), found: String(found) };
}

/** A check for people, on one line. */
export function describeCheck({ name, passed, expected, found }: Check): string {
  return `${passed ? "passed" : "FAILED"}: ${name}: ${passed ? found : `expected ${expected}, found ${found}`}`;
}

/** A key as checks tell it: its id, for ARNs are long, or that there is none. */
export function describeKey(arn: string): string {
  return `key ${arn.split("/").at(-1) || "none"}`;
}
