import type { BootReport } from "../history/log.ts";

interface Timed {
  name: string;
  seconds: number;
}

/** The steps of a rehearsal, its boot taken apart by what the boot script said of itself. */
export function stepsOf(steps: readonly Timed[], report: BootReport | undefined): Timed[] {
  return steps.flatMap(({ name, seconds }) => {
    if (name !== "boot" || report === undefined) return [{ name, seconds }];
    // Durations only: the server's clock need not be this computer's.
    const script = (Date.parse(report.finishedAt) - Date.parse(report.startedAt)) / 1000;
    const own = report.steps.map((step) => ({
      name: `boot script: ${step.name}`,
      seconds: step.milliseconds / 1000,
    }));
    const between = script - own.reduce((sum, step) => sum + step.seconds, 0);
    return [
      { name: "cloud-init", seconds: round(seconds - script) },
      ...own,
      { name: "boot script: between its steps", seconds: round(between) },
    ];
  });
}

function round(seconds: number): number {
  return Number(Math.max(0, seconds).toFixed(3));
}
