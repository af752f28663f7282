import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "../../bootstrap/edges/process.ts";
import type { GameDayReport } from "../../bootstrap/gameday/report.ts";

/** The whole loop, through the program as it ships: real cdktf, Terraform and AWS provider, against the emulator. */
describe("a game day of shop", () => {
  it("rebuilds the environment while its region answers nothing, and leaves nothing behind", async () => {
    const finished = await run(process.execPath, [
      "bin/rekindle.js",
      "gameday",
      "--env",
      "shop",
      "--commit",
      "HEAD",
      "--engine",
      "none",
      "--time-passes",
      "10s",
      "--json",
    ]);
    expect(finished.ending, finished.stderr).toEqual({ kind: "exited", code: 0 });
    const report = JSON.parse(finished.stdout) as GameDayReport;
    expect(report.reasons).toEqual([]);
    expect(report.verdict).toBe("passed");

    const clocked = report.steps.filter(({ onTheClock }) => onTheClock);
    expect(clocked.map(({ name }) => name)).toEqual(["plan", "rebuild", "verify"]);
    expect(clocked.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(report.rtoSeconds!, 3);
    expect(report.rpo.map(({ name }) => name)).toEqual(["db-0"]);
    // The age of the data is all that passed since the snapshot began: what was asked for, and little else.
    const seconds = (step: string) => report.steps.find(({ name }) => name === step)!.seconds;
    expect(seconds("let time pass")).toBeGreaterThanOrEqual(10);
    const since = seconds("snapshot") + seconds("let time pass") + seconds("fault");
    expect(report.rpo[0]!.rpoSeconds).toBeGreaterThanOrEqual(10);
    expect(report.rpo[0]!.rpoSeconds).toBeLessThan(since + 1);
    expect(report.overheadShare).toBeLessThan(0.1);

    const checked = report.checks.map(({ name }) => name);
    for (const name of [
      "servers of web",
      "image of db-0",
      "user-data of db-0",
      "volume data-0 of db-0",
      "volume data-1 of db-0",
    ]) {
      expect(checked).toContain(name);
    }
    expect(report.lostCalls).toEqual([]);
    expect(report.leftovers).toEqual([]);

    const folder = join(".rekindle", "gamedays", report.id);
    expect(JSON.parse(readFileSync(join(folder, "report.json"), "utf8"))).toEqual(report);
    expect(readFileSync(join(folder, "report.md"), "utf8")).toContain(`# Game day ${report.id}: PASSED`);
    expect(existsSync(join(folder, "sandbox", "gateway.json"))).toBe(false);
    expect(processesOf(report.id)).toEqual([]);
  });
});

/** Command lines of this machine that name the day. */
function processesOf(id: string): string[] {
  const all = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return all.filter((line) => line.includes(id));
}
