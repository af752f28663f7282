import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListCommandsCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostFailure } from "../../../bootstrap/collect/failure.ts";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { type HostShell, shellBy, sshShell, ssmShell } from "../../../bootstrap/edges/hosts/host-shell.ts";
import { Stopwatch } from "../../../bootstrap/edges/stopwatch.ts";
import { runningSandbox } from "../../sandbox/gateway.ts";
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
  const sandbox = runningSandbox();
  const region = "eu-central-1";
  const instance = "i-0123456789abcdef0";
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = () => ({ endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) });
  const clock = { ...systemClock, sleep: () => systemClock.sleep(20) };

  it("has the instance run a script whose answer is a shell's, and takes none for cut short", async () => {
    const shell = ssmShell(instance, region, access(), { ...patience, clock });
    // The emulator runs no command and says that it succeeded: its answer lacks the end.
    const { kind, message } = await failure(shell("echo 'a b'; exit 1"));
    expect([kind, message]).toEqual(["cut-short", expect.stringContaining("24,000 characters")]);
    const ssm = new SSMClient({ endpoint: sandbox().endpoint, region, credentials });
    const { Commands } = await ssm.send(new ListCommandsCommand({}));
    const sent = Commands!.at(-1)!;
    expect(sent).toMatchObject({ DocumentName: "AWS-RunShellScript", InstanceIds: [instance] });
    const script = sent.Parameters!.commands!.join("\n");
    expect(spawnSync("sh", ["-c", script], { encoding: "utf8" }).stdout).toMatch(/\nend 1\n$/);
  });

  it("stops waiting when it is told to", async () => {
    const shell = ssmShell(instance, region, access(), { ...patience, signal: AbortSignal.abort(), clock });
    expect((await failure(shell("exit 0"))).message).toContain("stopped");
  });
});
