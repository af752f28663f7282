import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { GetBucketVersioningCommand } from "@aws-sdk/client-s3";
import { DescribeParametersCommand } from "@aws-sdk/client-ssm";
import { afterEach, describe, expect, test } from "vitest";
import { s3Store } from "../../bootstrap/edges/aws/objects.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { findSandbox, type Sandbox, type StartSandbox, startSandbox } from "../../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { commandLine } from "../../sandbox/processes.ts";
import { clients } from "./clients.ts";
import { gatewayFolder } from "./gateway.ts";

const folder = gatewayFolder();
const started = new Set<Sandbox>();

async function start(overrides?: Partial<StartSandbox>): Promise<Sandbox> {
  const sandbox = await startSandbox(folder.options(overrides));
  started.add(sandbox);
  return sandbox;
}

const find = () => findSandbox(folder.options().stateDir, systemClock);
const record = () => join(folder.options().stateDir, "gateway.json");
const gone = (pid: number) => expect.poll(() => commandLine(pid), { timeout: 10_000 }).toBeUndefined();

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const sandbox of started) await sandbox.stop();
  started.clear();
});

describe("a stop", () => {
  test("leaves no process and no record", async () => {
    const sandbox = await start();
    const { moto } = await sandbox.status();
    await sandbox.stop();
    expect(await commandLine(sandbox.pid)).toBeUndefined();
    expect(await commandLine(moto.pid)).toBeUndefined();
    await expect(readFile(record())).rejects.toMatchObject({ code: "ENOENT" });
    expect(await find()).toBeUndefined();
  });

  test("works twice", async () => {
    const sandbox = await start();
    await sandbox.stop();
    await sandbox.stop();
  });

  test("turns every later call into a clear error", async () => {
    const sandbox = await start();
    await sandbox.stop();
    await expect(sandbox.status()).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("cannot be reached (ECONNREFUSED); start it again"),
    });
  });
});

describe("a killed gateway", () => {
  test("takes its emulator with it", async () => {
    const sandbox = await start();
    const { moto } = await sandbox.status();
    process.kill(sandbox.pid, "SIGKILL");
    await gone(moto.pid);
  });

  test("is replaced by the next start", async () => {
    const first = await start();
    process.kill(first.pid, "SIGKILL");
    await gone(first.pid);
    const second = await start();
    expect(second.id).not.toBe(first.id);
    expect(await second.status()).toMatchObject({ id: second.id, moto: { alive: true } });
  });

  test("is not mistaken for the program that got its port and process id", async () => {
    const sandbox = await start();
    await sandbox.stop();
    const other = createServer((_, response) => response.end("{}"));
    const port = await listening(other);
    const stale = { version: 1, id: sandbox.id, pid: process.pid, port, motoPid: process.pid, motoPort: 1 };
    await writeFile(record(), JSON.stringify(stale));
    expect(await find()).toBeUndefined();
    await expect(readFile(record())).rejects.toMatchObject({ code: "ENOENT" });
    other.close();
  });
});

describe("a gateway that lost its record", () => {
  test.each([
    ["damaged", () => writeFile(record(), "garbage")],
    ["removed", () => rm(record())],
  ])("%s, is found all the same", async (_case, lose) => {
    const sandbox = await start();
    await lose();
    expect(await find()).toMatchObject({ id: sandbox.id });
    await lose();
    expect(await start()).toMatchObject({ id: sandbox.id });
  });

  test("with its whole folder, ends, and leaves the one that came after it alone", async () => {
    const sandbox = await start();
    const { moto } = await sandbox.status();
    await rm(folder.options().stateDir, { recursive: true });
    const next = await start();
    await gone(sandbox.pid);
    await gone(moto.pid);
    expect(await find()).toMatchObject({ id: next.id });
  });
});

describe("a start", () => {
  test("where one runs returns that one", async () => {
    const first = await start();
    const second = await start();
    expect(second).toMatchObject({ id: first.id, pid: first.pid, endpoint: first.endpoint });
  });

  test("at the same time as others ends with one gateway", async () => {
    const all = await Promise.all([start(), start(), start()]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  });

  test("on a port that is in use says so", async () => {
    const other = createServer();
    const port = await listening(other);
    await expect(start({ port })).rejects.toMatchObject({
      kind: "tool-failed",
      details: [expect.stringContaining(`port ${port} is in use; leave --port out`)],
    });
    other.close();
  });

  test("with an emulator that fails quotes its last words", async () => {
    const moto = ["sh", "-c", "echo no module named flask >&2; exit 3", "moto_server"];
    await expect(start({ moto })).rejects.toMatchObject({
      message: "the sandbox did not start: its gateway exited with 1",
      details: [expect.stringContaining("it exited with 3"), "no module named flask"],
    });
  });

  test("plays the account that it is told", async () => {
    const sandbox = await start({ account: "111122223333" });
    const { ec2 } = clients(sandbox.endpoint, "eu-west-1");
    const { Vpcs } = await ec2.send(new DescribeVpcsCommand({}));
    expect(Vpcs?.[0]?.OwnerId).toBe("111122223333");
  });
});

test("an emulator that ended is told in each protocol's own words", async () => {
  const sandbox = await start();
  const { moto } = await sandbox.status();
  process.kill(moto.pid, "SIGKILL");
  await expect.poll(async () => (await sandbox.status()).moto.alive).toBe(false);
  const { ec2, s3, ssm } = clients(sandbox.endpoint, "eu-west-1");
  const message = expect.stringMatching(/emulator \(moto_server\) has ended: .*; start the sandbox again/);
  await expect(ec2.send(new DescribeVpcsCommand({}))).rejects.toMatchObject({ message });
  await expect(ssm.send(new DescribeParametersCommand({}))).rejects.toMatchObject({ message });
  await expect(s3.send(new GetBucketVersioningCommand({ Bucket: "b" }))).rejects.toMatchObject({ message });
  // Rekindle's own commands say so too, of a HEAD as well, whose answer has no room for words.
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = { endpoint: sandbox.endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  await expect(s3Store(access, "eu-west-1", "b").inspect()).rejects.toMatchObject({
    kind: "unreachable",
    message: expect.stringMatching(
      /^the emulator of the sandbox .* has ended \(it (was killed by SIGKILL|exited with 137)\)/,
    ),
  });
});
