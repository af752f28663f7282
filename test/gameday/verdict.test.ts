import { describe, expect, it } from "vitest";
import type { Step } from "../../bootstrap/gameday/report.ts";
import { type Findings, judge, overheadShare } from "../../bootstrap/gameday/verdict.ts";

function aStep(name: string, seconds: number, changes: Partial<Step> = {}): Step {
  const spent = { terraform: 0, aws: seconds, boot: 0, data: 0, passing: 0, rekindle: 0 };
  return {
    name,
    startedAt: "2026-11-24T10:00:00.000Z",
    seconds,
    spent,
    onTheClock: false,
    outcome: "passed",
    ...changes,
  };
}

function findings(changes: Partial<Findings> = {}): Findings {
  return {
    steps: [
      aStep("primary", 40),
      aStep("plan", 0.511, { onTheClock: true }),
      aStep("rebuild", 41.25, { onTheClock: true }),
      aStep("verify", 1.002, { onTheClock: true }),
      aStep("teardown", 20),
    ],
    checks: [{ name: "image of db-0", passed: true, expected: "ami-1", found: "ami-1" }],
    rpo: [{ name: "db-0", takenAt: "2026-11-24T09:59:00.000Z", rpoSeconds: 60 }],
    objectives: { rpoSeconds: 3600, rtoSeconds: 900 },
    lostCalls: [],
    leftovers: [],
    kept: false,
    dataSets: ["db-0"],
    ...changes,
  };
}

describe("a verdict", () => {
  it("passes when every step, check and objective held", () => {
    expect(judge(findings())).toEqual({ verdict: "passed", reasons: [], rtoSeconds: 42.763 });
  });

  it("fails when what must be none was not counted, and asks for no count of what a kept day leaves", () => {
    const { lostCalls: _calls, leftovers: _left, ...uncounted } = findings();
    expect(judge(uncounted).reasons).toEqual([
      "calls of the rebuild to the lost region were not counted",
      "what the teardown left was not counted",
    ]);
    expect(judge({ ...uncounted, lostCalls: [], kept: true }).verdict).toBe("passed");
  });

  it.each<[string, Partial<Findings>, string]>([
    [
      "a check failed",
      { checks: [{ name: "image of db-0", passed: false, expected: "ami-1", found: "ami-2" }] },
      "check image of db-0: expected ami-1, found ami-2",
    ],
    ["nothing was checked", { checks: [] }, "nothing was verified"],
    ["data did not come back", { rpo: [] }, "data of db-0 did not come back"],
    [
      "the RPO is over its objective",
      { objectives: { rpoSeconds: 59, rtoSeconds: 900 } },
      "the RPO of db-0, 60 s, is over the objective of 59 s",
    ],
    [
      "the RTO is over its objective",
      { objectives: { rpoSeconds: 3600, rtoSeconds: 42 } },
      "the RTO of 42.763 s is over the objective of 42 s",
    ],
    [
      "the lost region was called",
      { lostCalls: [{ time: "t", service: "ec2", action: "DescribeVpcs", region: "eu-west-1" }] },
      "the rebuild called the lost region 1 times, first ec2 DescribeVpcs in eu-west-1",
    ],
    [
      "something was left",
      { leftovers: [{ region: "eu-west-1", kind: "volume", id: "vol-1" }] },
      "volume vol-1 was left in eu-west-1",
    ],
    [
      "a step failed",
      { steps: [aStep("primary", 3, { outcome: "failed", error: ["no image"] })] },
      "step primary failed: no image",
    ],
    [
      "the rebuild never ended",
      { steps: [aStep("plan", 1, { onTheClock: true })] },
      "the rebuild was not finished, so there is no RTO",
    ],
  ])("fails when %s", (_case, changes, reason) => {
    const { verdict, reasons } = judge(findings(changes));
    expect(verdict).toBe("failed");
    expect(reasons).toContain(reason);
  });

  it("counts only Rekindle's own time as overhead", () => {
    const spent = { terraform: 8, aws: 1, boot: 0, data: 0, passing: 0, rekindle: 1 };
    expect(overheadShare([aStep("rebuild", 10, { spent })])).toBe(0.1);
  });
});
