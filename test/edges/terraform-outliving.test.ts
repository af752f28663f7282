import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { runOutliving } from "../../bootstrap/edges/terraform/outliving.ts";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rekindle-outliving-test-"));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

describe("a program that outlives this one", () => {
  it("gives each line once, and all of its output", async () => {
    const lines: string[] = [];
    const script = "for i in 1 2 3; do echo line $i; sleep 0.15; done; printf rest; echo told >&2; exit 3";
    const finished = await runOutliving("sh", ["-c", script], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["line 1", "line 2", "line 3", "rest"]);
    expect(finished).toEqual({
      ending: { kind: "exited", code: 3 },
      stdout: "line 1\nline 2\nline 3\nrest",
      stderr: "told\n",
    });
  });

  it("goes on to its end when this one is killed", async () => {
    const source = join(process.cwd(), "bootstrap/edges/terraform/outliving.ts");
    await writeFile(
      join(dir, "parent.ts"),
      `import { runOutliving } from ${JSON.stringify(source)};
       await runOutliving("sh", ["-c", "echo begun > begun; sleep 0.5; echo talking && echo done > done"], { cwd: ${JSON.stringify(dir)} });`,
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
    parent.kill("SIGKILL");
    await vi.waitUntil(() => existsSync(join(dir, "done")), 10_000);
    expect(readFileSync(join(dir, "done"), "utf8")).toBe("done\n");
  });

  it("tells a program that is not there from one that fails", async () => {
    const { ending } = await runOutliving(join(dir, "nothing"), [], {});
    expect(ending).toMatchObject({ kind: "not-started" });
  });
});
