import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { describe, it } from "vitest";
import { openBox } from "../../sandbox/bodies/box/engine.ts";
import { engineContract } from "../contracts/engine.ts";

const lacking =
  process.getuid?.() !== 0
    ? "the engine box needs root"
    : spawnSync("mmdebstrap", ["--version"]).status !== 0
      ? "mmdebstrap is not installed"
      : undefined;

if (lacking) describe("the engine box", () => it.skip(`is not tested here: ${lacking}`, () => undefined));
else {
  const relayScript = join(mkdtempSync(join(tmpdir(), "rekindle-relay-")), "relay.js");
  engineContract("box", {
    bootLimitMs: 120_000,
    async open(folder) {
      await build({
        entryPoints: ["sandbox/bodies/relay/main.ts"],
        outfile: relayScript,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node20",
      });
      return await openBox({ folder, cache: resolve(".rekindle"), relayScript });
    },
  });
}
