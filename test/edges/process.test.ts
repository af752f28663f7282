import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { start } from "../../bootstrap/edges/process.ts";

test("what a program wrote is there for who comes when it has ended", async () => {
  const program = start("sh", ["-c", "echo said; echo complained >&2"]);
  expect(await program.ended).toEqual({ kind: "exited", code: 0 });
  await setTimeout(50);
  let said = "";
  for await (const chunk of program.stdout) said += String(chunk);
  expect(said).toBe("said\n");
  expect(program.stderr()).toBe("complained\n");
});

test("a program whose output nobody wants any more ends", async () => {
  const program = start("yes", []);
  for await (const _ of program.stdout) break;
  expect((await program.ended).kind).not.toBe("not-started");
});

test("a program that is not there is told from one that failed", async () => {
  expect((await start("no-such-program", []).ended).kind).toBe("not-started");
});
