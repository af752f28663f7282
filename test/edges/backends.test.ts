import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { forgetOtherBackends } from "../../bootstrap/edges/terraform/backends.ts";

let outdir = "";

beforeEach(async () => {
  outdir = await mkdtemp(join(tmpdir(), "rekindle-backends-"));
});

afterEach(() => rm(outdir, { recursive: true, force: true }));

async function initialized(stack: string, text: string): Promise<string> {
  const folder = join(outdir, "stacks", stack, ".terraform");
  await mkdir(join(folder, "providers"), { recursive: true });
  await writeFile(join(folder, "terraform.tfstate"), text);
  return folder;
}

const backend = (bucket: string) => JSON.stringify({ backend: { type: "s3", config: { bucket } } });

it("another environment's backend is forgotten, and nothing else of the folder", async () => {
  const other = await initialized("primary-stack", backend("rekindle-shop-state"));
  const own = await initialized("recovery-stack", backend("rekindle-ledger-state"));
  await forgetOtherBackends(outdir, "rekindle-ledger-state");
  expect(await readdir(other)).toEqual(["providers"]);
  expect(await readFile(join(own, "terraform.tfstate"), "utf8")).toBe(backend("rekindle-ledger-state"));
});

it("a folder that nothing was initialized in is left alone", async () => {
  await forgetOtherBackends(join(outdir, "none"), "rekindle-ledger-state");
  const broken = await initialized("primary-stack", "{");
  await forgetOtherBackends(outdir, "rekindle-ledger-state");
  expect(await readdir(broken)).toEqual(["providers"]);
});
