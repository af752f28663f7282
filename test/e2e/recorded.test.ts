import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "../../bootstrap/edges/process.ts";
import type { GameDayReport } from "../../bootstrap/gameday/report.ts";
import type { Status } from "../../bootstrap/status/status.ts";
import { clonedProject } from "./cloned-project.ts";

const more = `
copies: { regions: [us-east-1] }
schedule:
  points: { at: "rate(30 minutes)" }
  images: { at: "cron(0 4 * * ? *)", keep: 3 }
  backups: { at: "cron(0 3 * * ? *)", keepDays: 35, restoreTests: "cron(0 6 ? * SUN *)" }
`;

/** What a monitor sees of a rehearsal, of an environment with copies in a third region and AWS's own schedules. */
describe("a recorded game day", () => {
  const { folder, shell, mustRun } = clonedProject(async (clone) => {
    const environment = join(clone, "configs", "environments", "shop.yaml");
    await writeFile(environment, (await readFile(environment, "utf8")) + more);
    const author = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"];
    await run("git", [...author, "commit", "--quiet", "--all", "--message", "Copy and schedule"], {
      cwd: clone,
    });
  });

  it("is what status shows as the last rehearsal, on a machine that did not run it", async () => {
    await mustRun("npx cdktf deploy foundation-stack --auto-approve && npx rekindle publish");
    const day = await mustRun("npx rekindle gameday --engine none --record --json");
    const report = JSON.parse(day) as GameDayReport;
    expect(report).toMatchObject({ verdict: "passed", reasons: [], lostCalls: [], leftovers: [] });

    await rm(join(folder(), ".rekindle", "gamedays"), { recursive: true });
    const { stdout } = await shell("npx rekindle status --env shop --json");
    const { rehearsal, regions } = (JSON.parse(stdout) as Status).environments[0]!;
    expect(rehearsal.check.outcome).toBe("passed");
    expect(rehearsal.last).toMatchObject({
      kept: "the catalog in eu-central-1",
      record: { id: report.id, verdict: "passed", rtoSeconds: report.rtoSeconds },
    });
    expect(regions.map(({ region }) => region)).toEqual(["eu-central-1", "eu-west-1", "us-east-1"]);
    const monitored = await shell("npx rekindle status --env shop --prometheus");
    expect(monitored.stdout).toContain(
      `rekindle_last_rehearsal_rto_seconds{environment="shop"} ${report.rtoSeconds}\n`,
    );
  });

  it("leaves a history that a third region tells when both sites are lost", async () => {
    await mustRun("npx rekindle sandbox cut eu-west-1 && npx rekindle sandbox cut eu-central-1");
    expect(await mustRun("npx rekindle log")).toContain("publish");
  });
});
