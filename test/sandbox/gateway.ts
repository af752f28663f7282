import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { type Sandbox, type StartSandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";

/** The gateway alone, bundled as it ships, so that these tests need no other part of the program. */
export async function buildGateway(folder: string): Promise<string> {
  const outfile = join(folder, "gateway.js");
  await build({
    entryPoints: ["sandbox/main.ts"],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "warning",
  });
  return outfile;
}

/** A folder with a gateway in it that nobody has started; removed when the file's tests are done. */
export function gatewayFolder(): { path: string; options(overrides?: Partial<StartSandbox>): StartSandbox } {
  const folder = { path: "" };
  let gatewayScript = "";
  beforeAll(async () => {
    folder.path = await mkdtemp(join(tmpdir(), "rekindle-sandbox-"));
    gatewayScript = await buildGateway(folder.path);
  });
  afterAll(async () => await rm(folder.path, { recursive: true, force: true }));
  return {
    get path() {
      return folder.path;
    },
    options: (overrides = {}) => ({
      stateDir: join(folder.path, "state"),
      moto: ["moto_server"],
      lifetime: "parent",
      gatewayScript,
      clock: systemClock,
      ...overrides,
    }),
  };
}

/** One real gateway with a real emulator for all tests of a file, empty before each. */
export function runningSandbox(): () => Sandbox {
  const folder = gatewayFolder();
  let sandbox: Sandbox | undefined;
  beforeAll(async () => {
    sandbox = await startSandbox(folder.options());
  }, 120_000);
  beforeEach(async () => await sandbox?.reset());
  afterAll(async () => await sandbox?.stop());
  return () => sandbox!;
}
