import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type FailureKind, HostFailure } from "../../../bootstrap/collect/failure.ts";
import { actingShell } from "../../../bootstrap/edges/hosts/acting-shell.ts";
import { type HostShell, shellBy } from "../../../bootstrap/edges/hosts/host-shell.ts";

const patience = { timeoutMs: 20_000, signal: new AbortController().signal };
const clock = { sleep: async () => undefined };

/** This machine's shell, with the state of a server in a folder of the test's own. */
async function aHost() {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-acting-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const here = shellBy("sh", ["-s"], patience);
  const shell: HostShell = (script) => here(script.replaceAll("/var/lib/rekindle", folder));
  return { shell, trace: join(folder, "trace") };
}

/** Loses the answers of the first deliveries, after the script has begun or before it came. */
function losing(shell: HostShell, kind: FailureKind, ...losses: ("before" | "after")[]): HostShell {
  return async (script) => {
    const loss = losses.shift();
    if (loss === undefined) return shell(script);
    if (loss === "after") await shell(script);
    throw new HostFailure(kind, "it closed the connection");
  };
}

describe("an acting shell", () => {
  it("tells how a script ended, and what it said on both ways", async () => {
    const { shell } = await aHost();
    expect(
      await actingShell(shell, clock)("echo 'größe' \"$HOME\" >/dev/null; echo out; echo err >&2; exit 7"),
    ).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect(await actingShell(shell, clock)("cat")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("runs a script that fails once, where a shell that only looks asks it again for its words", async () => {
    const { shell, trace } = await aHost();
    const script = `echo ran >>${trace}; echo why >&2; exit 9`;
    expect(await actingShell(shell, clock)(script)).toEqual({ code: 9, stdout: "", stderr: "why\n" });
    expect(await readFile(trace, "utf8")).toBe("ran\n");
  });

  it.each([
    "before",
    "after",
  ] as const)("runs it once when the connection broke %s it began", async (when) => {
    const { shell, trace } = await aHost();
    const acting = actingShell(losing(shell, "refused", when, when), clock);
    expect(await acting(`echo ran >>${trace}; echo done`)).toEqual({ code: 0, stdout: "done\n", stderr: "" });
    expect(await readFile(trace, "utf8")).toBe("ran\n");
  });

  it("gives up when the connection breaks again and again, or for a reason that does not pass", async () => {
    const { shell } = await aHost();
    const lost = actingShell(losing(shell, "refused", "before", "before", "before"), clock);
    await expect(lost("exit 0")).rejects.toThrow("it closed the connection");
    const barred = actingShell(losing(shell, "no-access", "before"), clock);
    await expect(barred("exit 0")).rejects.toThrow(HostFailure);
  });

  it("tells of a script that was killed", async () => {
    const { shell } = await aHost();
    const { code, stderr } = await actingShell(shell, clock)("kill -9 $PPID $$");
    expect(code).toBe(137);
    expect(stderr).toBe("it was killed, or the server restarted\n");
  });

  it("says why a server can't begin", async () => {
    const { shell } = await aHost();
    const full: HostShell = (script) =>
      shell(`mkdir() { echo 'No space left on device' >&2; return 1; }\n${script}`);
    await expect(actingShell(full, clock)("exit 0")).rejects.toThrow("No space left on device");
  });
});
