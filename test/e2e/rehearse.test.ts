import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { RehearsalReport } from "../../bootstrap/rehearsal/report.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { type RehearsedProject, rehearsedProject } from "./rehearsed-project.ts";

const lacking = lackingForBox();
const nginx = "configs/roles/web/files/etc/nginx/nginx.conf";

describe.skipIf(lacking !== undefined)("a rehearsal of web from the work tree", () => {
  let project: RehearsedProject;

  beforeAll(async () => {
    project = await rehearsedProject();
    // Base and golden image are made once, and are in the cache from then on.
    expect((await rehearse()).code).toBe(0);
  }, 900_000);

  afterAll(() => project.remove());

  async function rehearse(): Promise<{ code: unknown; report: RehearsalReport; stderr: string }> {
    const { ending, stdout, stderr } = await project.rekindle([
      "rehearse",
      "web",
      "--engine",
      "box",
      "--json",
    ]);
    return { code: ending.kind === "exited" ? ending.code : ending, report: JSON.parse(stdout), stderr };
  }

  it("is healthy, says where the time went, and leaves nothing", async () => {
    const { code, report } = await rehearse();
    expect(code).toBe(0);
    expect(report).toMatchObject({
      verdict: "passed",
      engine: "box",
      release: expect.stringMatching(/^worktree-/),
      image: { origin: "saved" },
      health: { passed: true, answer: "200" },
      absent: ["role app: its server does not answer"],
    });
    const names = report.steps.map(({ name }) => name);
    for (const name of ["engine", "base image", "golden image", "launch", "cloud-init"])
      expect(names).toContain(name);
    expect(names).toContain("boot script: wait for health");
    expect(loopDevices()).toEqual([]);
    expect(stages()).toEqual([]);
  });

  it("fails with nginx's own message when its configuration is wrong, before anything is committed", async () => {
    const undo = await project.edit(nginx, "sendfile on;", "sendfile on;\n    no_such_directive on;");
    const { code, report, stderr } = await rehearse();
    await undo();
    expect(code).toBe(1);
    expect(report.verdict).toBe("failed");
    expect(report.said.join("\n")).toMatch(
      /\[emerg\].* unknown directive "no_such_directive" in \/etc\/nginx\/nginx\.conf:\d+/,
    );
    expect(report.console.join("\n")).toMatch(/rekindle-boot: nginx.service did not restart/);
    expect(stderr).toMatch(/no_such_directive/);
    // What refuses to start is not waited for.
    expect(report.image.origin).toBe("saved");
    expect(report.steps.map(({ name }) => name)).not.toContain("boot script: wait for health");
    expect(stages()).toEqual([]);
  });

  it("fails with what its health check answers when the page is another one", async () => {
    const undoPage = await project.edit(nginx, "location = /healthz", "location = /other");
    const role = "configs/roles/web/role.yaml";
    const undoTimeout = await project.edit(role, "path: /healthz }", "path: /healthz, timeout: 5s }");
    const { code, report } = await rehearse();
    await Promise.all([undoPage(), undoTimeout()]);
    expect(code).toBe(1);
    expect(report.health).toMatchObject({ passed: false, answer: expect.stringMatching(/404/) });
  });

  it("opens a shell in the server, whatever came of it", async () => {
    const { ending, stdout } = await project.rekindle(
      ["rehearse", "web", "--engine", "box", "--shell"],
      "hostname; systemctl is-active nginx\n",
    );
    expect(ending).toEqual({ kind: "exited", code: 0 });
    expect(stdout).toMatch(/\nweb\nactive\n$/);
  });

  const stagesFolder = () => join(project.folder, ".rekindle", "stages");
  const stages = () => (existsSync(stagesFolder()) ? readdirSync(stagesFolder()) : []);

  /** Those that a rehearsal's disks are behind; others are not ours. */
  function loopDevices(): string[] {
    const files = execFileSync("losetup", ["-ln", "-O", "BACK-FILE"], { encoding: "utf8" }).split("\n");
    return files.filter((file) => file.includes(stagesFolder()));
  }
});
