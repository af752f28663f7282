import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ConsoleFile } from "../../sandbox/bodies/box/console-file.ts";

test("a server that never stops to talk fills no disk, and its last words stay", async () => {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-console-"));
  const path = join(folder, "console");
  const console = new ConsoleFile(path);
  for (let line = 1; line <= 30_000; line += 1)
    console.append(Buffer.from(`${line} ${"still here ".repeat(10)}\n`));
  expect((await stat(path)).size).toBeLessThan(2 * 1024 * 1024);
  new ConsoleFile(path).append(Buffer.from("booted again\n"));
  const said = (await readFile(path, "utf8")).split("\n");
  expect(said.slice(-3)).toEqual([expect.stringMatching(/^30000 still here/), "booted again", ""]);
  expect(Number(said.at(-500)!.split(" ")[0])).toBe(30_000 - 497);
  await rm(folder, { recursive: true, force: true });
});
