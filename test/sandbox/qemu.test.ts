import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, it } from "vitest";
import { openQemu } from "../../sandbox/bodies/qemu/engine.ts";
import { missingForQemu } from "../../sandbox/bodies/qemu/requirements.ts";
import { engineContract } from "../contracts/engine.ts";

const folder = mkdtempSync(join(tmpdir(), "rekindle-qemu-"));
const lacking = (await missingForQemu(folder)).join("; ");

if (lacking) describe("the engine qemu", () => it.skip(`is not tested here: ${lacking}`, () => undefined));
else {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // Without KVM a machine takes about a minute to boot, and several when others work beside it.
  engineContract("qemu", {
    bootLimitMs: 400_000,
    open: (disks) => openQemu({ folder: disks, cache: resolve(".rekindle") }),
  });
}
