/** One thing that was looked at: what should be, and what was. */
export interface Check {
  name: string;
  passed: boolean;
  expected: string;
  found: string;
}
