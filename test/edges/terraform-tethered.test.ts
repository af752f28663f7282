import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { runTethered } from "../../bootstrap/edges/terraform/tethered.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rekindle-tethered-test-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

describe("a program that ends with this one", () => {
  it("gives its output and its exit code", async () => {
    const lines: string[] = [];
    const options = { onLine: (line: string) => void lines.push(line) };
    expect(await runTethered("sh", ["-c", "echo one; echo told >&2; exit 3"], options)).toEqual({
      ending: { kind: "exited", code: 3 },
      stdout: "one\n",
      stderr: "told\n",
    });
    expect(lines).toEqual(["one"]);
  });

  it("gives each line once, and the last one without its end", async () => {
    const lines: string[] = [];
    const script = "for i in 1 2 3; do echo line $i; sleep 0.15; done; printf rest";
    await runTethered("sh", ["-c", script], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["line 1", "line 2", "line 3", "rest"]);
  });

  it("tells a program that is not there from one that fails", async () => {
    const { ending } = await runTethered(join(dir, "nothing"), [], {});
    expect(ending).toMatchObject({ kind: "not-started" });
  });

  it("tells the signal that killed it", async () => {
    const { ending } = await runTethered("sh", ["-c", "kill -KILL $$"], {});
    expect(ending).toEqual({ kind: "killed", signal: "SIGKILL" });
  });

  it("is asked to stop, and is waited for until it has", async () => {
    const asked = new AbortController();
    const script = "trap 'sleep 0.3; echo stopped; exit 1' TERM; echo begun; while :; do sleep 0.1; done";
    const { ending, stdout } = await runTethered("sh", ["-c", script], {
      signal: asked.signal,
      onLine: (line) => line === "begun" && asked.abort(),
    });
    expect([ending, stdout]).toEqual([{ kind: "exited", code: 1 }, "begun\nstopped\n"]);
  });

  it("ends, with all that it started, when this one is killed", async () => {
    const source = join(process.cwd(), "bootstrap/edges/terraform/tethered.ts");
    await writeFile(
      join(dir, "parent.ts"),
      `import { runTethered } from ${JSON.stringify(source)};
       await runTethered("sh", ["-c", "sleep 60 & echo $$ $! > begun.part; mv begun.part begun; wait"], { cwd: ${JSON.stringify(dir)} });`,
    );
    const outfile = join(dir, "parent.mjs");
    await build({
      entryPoints: [join(dir, "parent.ts")],
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
    });
    const parent = spawn(process.execPath, [outfile], { stdio: "ignore" });
    await vi.waitUntil(() => existsSync(join(dir, "begun")), 10_000);
    const started = readFileSync(join(dir, "begun"), "utf8").trim().split(" ").map(Number);
    expect(started.filter(isRunning)).toEqual(started);
    parent.kill("SIGKILL");
    await vi.waitUntil(() => !started.some(isRunning), 10_000);
  });
});

function isRunning(pid: number): boolean {
  try {
    // One that has ended and that nobody has asked for yet is there by name only.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
