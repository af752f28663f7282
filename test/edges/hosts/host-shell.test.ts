import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HostFailure } from "../../../bootstrap/collect/failure.ts";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { type HostShell, shellBy, sshShell, ssmShell } from "../../../bootstrap/edges/hosts/host-shell.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { sandboxWithBodies } from "../../sandbox/bodies/gateway-with-bodies.ts";
import { launch } from "../../sandbox/bodies/launch.ts";
import { sshd, startSshd, type TestServer } from "./sshd.ts";

const patience = { timeoutMs: 20_000, signal: new AbortController().signal };

const failure = (work: Promise<unknown>): Promise<HostFailure> =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error) => (error instanceof HostFailure ? error : Promise.reject(error)),
  );

/** What every way to a server's shell promises. */
function promises(shell: () => HostShell) {
  it("gives what a script printed, and its exit code", async () => {
    expect(await shell()("printf 'größe \"$x\" '\"'a b'\"; exit 1")).toEqual({
      code: 1,
      stdout: "größe \"$x\" 'a b'",
      stderr: "",
    });
    expect(await shell()("exit 0")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("gives the last words of a script that failed", async () => {
    const answer = await shell()("echo half; echo one >&2; echo 'Permission denied' >&2; exit 2");
    expect(answer).toEqual({ code: 2, stdout: "", stderr: "Permission denied" });
  });
}

describe("a shell on this machine", () => {
  promises(() => shellBy("sh", ["-s"], patience));

  it("raises for an answer that was cut short, and for one with a login's greeting in it", async () => {
    const cut = shellBy("sh", ["-c", "sh -s | head -c 10"], patience);
    expect((await failure(cut("echo a long answer"))).kind).toBe("cut-short");
    const greeting = shellBy("sh", ["-c", "echo Welcome; exec sh -s"], patience);
    expect(await greeting("echo a")).toMatchObject({ code: 0, stdout: "a" });
  });

  it("carries an answer of megabytes", async () => {
    const { stdout } = await shellBy("sh", ["-s"], patience)("seq 1000000");
    expect(stdout).toHaveLength(6_888_895);
  });
});

describe.skipIf(sshd === undefined)("a shell over ssh", () => {
  let folder: string;
  let server: TestServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-shell-"));
    server = await startSshd(join(folder, "sshd"), ["web-1"]);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const shell = (changes = {}) =>
    sshShell("web-1", { ...patience, sshConfig: server.clientConfig, ...changes });

  promises(shell);

  it("raises for a script that hangs, and for a host that says nothing", async () => {
    expect((await failure(shell({ timeoutMs: 1_500 })("sleep 60"))).kind).toBe("timeout");
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as { port: number };
    const there = sshShell(`127.0.0.1:${port}`, { ...patience, timeoutMs: 1_500 });
    expect((await failure(there("exit 0"))).kind).toBe("timeout");
    silent.close();
  });

  it("raises for a host whose key changed, and for one that lets nobody in", async () => {
    await server.changeHostKey();
    expect((await failure(shell()("exit 0"))).kind).toBe("host-key-changed");
    await server.revokeAccess();
    const unknown = sshShell("no-such-host.invalid", { ...patience, sshConfig: server.clientConfig });
    expect((await failure(unknown("exit 0"))).kind).toBe("unknown-host");
  });
});

describe("a shell through SSM", () => {
  const { aws, sandbox, engine } = sandboxWithBodies();
  const region = "eu-west-1";
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = () => ({ endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) });
  const shellOf = (instance: string, changes = {}) =>
    ssmShell(instance, region, access(), { ...patience, clock: systemClock, pollMs: 20, ...changes });
  let instance: string;
  beforeEach(async () => {
    instance = (await launch(aws().ec2)).InstanceId!;
  });

  promises(() => shellOf(instance));

  it("takes no answer that was cut short for a whole one", async () => {
    engine().scripted = async () => ({
      ending: { kind: "exited", code: 0 },
      stdout: "begin\n",
      stderr: "",
    });
    const { kind, message } = await failure(shellOf(instance)("exit 0")).finally(() => {
      engine().scripted = undefined;
    });
    expect([kind, message]).toEqual(["cut-short", expect.stringContaining("24,000 characters")]);
  });

  it("says how to make an instance known that SSM does not know", async () => {
    const { kind, message } = await failure(shellOf("i-0123456789abcdef0")("exit 0"));
    expect([kind, message]).toEqual(["refused", expect.stringContaining("start its agent")]);
  });

  it("stops waiting when it is told to", async () => {
    const stopped = shellOf(instance, { signal: AbortSignal.abort() });
    expect((await failure(stopped("exit 0"))).message).toContain("stopped");
  });
});
