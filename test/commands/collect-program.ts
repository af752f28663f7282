import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Finished, run } from "../../bootstrap/edges/process.ts";
import { aBench, type Bench, put } from "./collecting.ts";

/** The program itself, as a timer starts it, with a project and a host of each test's own. */
export interface CollectProgram {
  bench: Bench;
  host: string;
  /** The file that Node runs. */
  main(): string;
  collect(args?: string[], env?: NodeJS.ProcessEnv): Promise<Finished>;
  tree(): Promise<string>;
}

export function collectProgram(): CollectProgram {
  let program = "";
  const self = {} as CollectProgram;

  beforeAll(async () => {
    program = await mkdtemp(join(tmpdir(), "rekindle-program-"));
    await build({
      entryPoints: ["bootstrap/main.ts"],
      outdir: join(program, "dist"),
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      external: ["cdktf", "@cdktf/*", "constructs"],
      banner: {
        js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
      },
      logLevel: "warning",
    });
    await writeFile(join(program, "package.json"), '{"type":"module"}');
    const script = "bootstrap/edges/hosts/gather.sh";
    await cp(resolve(script), join(program, script), { recursive: true });
  });
  afterAll(async () => await rm(program, { recursive: true, force: true }));

  beforeEach(async () => {
    const bench = await aBench();
    self.bench = bench;
    await put(bench.root, { "cdktf.json": "{}" });
    self.host = await bench.host("web-1", { "etc/app/a": "1", "etc/app/b": "2", "etc/app/c/d": "3" });
    await bench.role("web", { sources: [{ folder: self.host, host: "web-1" }], paths: ["/etc/app"] });
  });
  afterEach(async () => await self.bench.remove());

  const main = () => join(program, "dist/main.js");
  return Object.assign(self, {
    main,
    collect: (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
      run(process.execPath, [main(), "collect", ...args], {
        cwd: self.bench.root,
        env: { ...process.env, ...env },
      }),
    tree: () => self.bench.git.raw(["ls-tree", "-r", "HEAD"]),
  });
}
