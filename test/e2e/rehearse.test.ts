import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run } from "../../bootstrap/edges/process.ts";
import type { RehearsalReport } from "../../bootstrap/rehearsal/report.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";

const lacking = lackingForBox();

/** A project that a test may edit, with this one's caches: an engineer's work tree, after each edit. */
describe.skipIf(lacking !== undefined)("a rehearsal of web from the work tree", () => {
  let project: string;
  const nginx = () => join(project, "configs/roles/web/files/etc/nginx/nginx.conf");

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "rekindle-rehearse-"));
    for (const part of ["cdktf.json", "configs", "cloud-init"])
      await cp(part, join(project, part), { recursive: true });
    await mkdir(resolve(".rekindle"), { recursive: true });
    await symlink(resolve(".rekindle"), join(project, ".rekindle"));
    // Base and golden image are made once, and are in the cache from then on.
    expect((await rehearse()).code).toBe(0);
  }, 900_000);

  afterAll(() => rm(project, { recursive: true, force: true }));

  async function rehearse(): Promise<{ code: unknown; report: RehearsalReport; stderr: string }> {
    const words = [resolve("bin/rekindle.js"), "rehearse", "web", "--engine", "box", "--json"];
    const { ending, stdout, stderr } = await run(process.execPath, words, { cwd: project });
    return { code: ending.kind === "exited" ? ending.code : ending, report: JSON.parse(stdout), stderr };
  }

  async function edit(path: string, from: string, to: string): Promise<() => Promise<void>> {
    const before = await readFile(path, "utf8");
    expect(before).toContain(from);
    await writeFile(path, before.replace(from, to));
    return () => writeFile(path, before);
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
    const undo = await edit(nginx(), "sendfile on;", "sendfile on;\n    no_such_directive on;");
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
    const undoPage = await edit(nginx(), "location = /healthz", "location = /other");
    const role = join(project, "configs/roles/web/role.yaml");
    const undoTimeout = await edit(role, "path: /healthz }", "path: /healthz, timeout: 5s }");
    const { code, report } = await rehearse();
    await Promise.all([undoPage(), undoTimeout()]);
    expect(code).toBe(1);
    expect(report.health).toMatchObject({ passed: false, answer: expect.stringMatching(/404/) });
  });

  it("opens a shell in the server, whatever came of it", async () => {
    const words = [resolve("bin/rekindle.js"), "rehearse", "web", "--engine", "box", "--shell"];
    const { ending, stdout } = await run(process.execPath, words, {
      cwd: project,
      input: "hostname; systemctl is-active nginx\n",
    });
    expect(ending).toEqual({ kind: "exited", code: 0 });
    expect(stdout).toMatch(/\nweb\nactive\n$/);
  });

  function stages(): string[] {
    const folder = resolve(".rekindle", "stages");
    return existsSync(folder) ? readdirSync(folder) : [];
  }
});

/** Those that a rehearsal's disks are behind; others are not ours. */
function loopDevices(): string[] {
  const files = execFileSync("losetup", ["-ln", "-O", "BACK-FILE"], { encoding: "utf8" }).split("\n");
  return files.filter((file) => file.includes(resolve(".rekindle", "stages")));
}
