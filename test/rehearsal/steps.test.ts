import type { BootReport } from "../../bootstrap/history/log.ts";
import { stepsOf } from "../../bootstrap/rehearsal/steps.ts";

const report = {
  startedAt: "2026-11-24T03:00:00.000Z",
  finishedAt: "2026-11-24T03:00:01.000Z",
  steps: [
    { name: "stage release", milliseconds: 300 },
    { name: "wait for health", milliseconds: 600 },
  ],
} as BootReport;

const launch = { name: "launch", seconds: 0.5 };

describe("the steps of a rehearsal", () => {
  it("take the boot apart by what the boot script said, and add up to the same", () => {
    const steps = stepsOf([launch, { name: "boot", seconds: 3 }], report);
    expect(steps).toEqual([
      launch,
      { name: "cloud-init", seconds: 2 },
      { name: "boot script: stage release", seconds: 0.3 },
      { name: "boot script: wait for health", seconds: 0.6 },
      { name: "boot script: between its steps", seconds: 0.1 },
    ]);
    expect(steps.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(3.5, 3);
  });

  it("keep the boot as it is when the server said nothing", () => {
    expect(stepsOf([launch, { name: "boot", seconds: 3 }], undefined)).toEqual([
      launch,
      { name: "boot", seconds: 3 },
    ]);
  });
});
