import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Selection, selection } from "../../bootstrap/collect/globs.ts";
import { shortcomings } from "../../bootstrap/commands/collect.ts";
import { pushConfig } from "../../bootstrap/commands/push-config.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { folderSource } from "../../bootstrap/edges/hosts/folder.ts";
import { type Inbox, inboxSource, s3Inbox } from "../../bootstrap/edges/hosts/inbox.ts";
import { ssmSource } from "../../bootstrap/edges/hosts/ssm.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aBench, type Bench, put } from "./collecting.ts";

const region = "eu-central-1";
const bucket = "rekindle-shop-123456789012-eu-central-1";
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const patience = { timeoutMs: 20_000, signal: new AbortController().signal };

describe("the inbox", () => {
  const sandbox = runningSandbox();
  let bench: Bench;
  let host = "";
  let inbox: Inbox;
  const access = () => ({ endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) });

  beforeEach(async () => {
    bench = await aBench();
    host = await bench.host("db-1", { "etc/app/a.conf": "1", "etc/other": "x" });
    await bench.role("db", { sources: [{ inbox: "db-1" }], paths: ["/etc/app"] });
    const { s3 } = clients(sandbox().endpoint, region);
    await s3.send(
      new CreateBucketCommand({ Bucket: bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
    );
    inbox = s3Inbox(access(), region, bucket);
  });
  afterEach(async () => await bench.remove());

  const push = (selected: Selection = selection(["/etc"], []), at = systemClock.now()) =>
    pushConfig({
      source: folderSource("db-1", host, patience),
      selection: selected,
      inbox,
      file: join(bench.folder, "push.tar.gz"),
      clock: { ...systemClock, now: () => at },
    });
  const collect = () =>
    bench.collect({ connect: () => inboxSource("db-1", [inbox], (line) => void bench.lines.push(line)) });
  const inGit = (path: string) => bench.committed(`configs/roles/db/files/etc/${path}`);

  it("carries a host's own push into git, and of it what the role collects", async () => {
    const pushed = await push();
    expect(pushed.key).toMatch(/^inbox\/db-1\/\d{8}T\d{6}Z-[0-9a-f]{12}\.tar\.gz$/);
    expect(shortcomings(await collect())).toBeUndefined();
    expect(await inGit("app/a.conf")).toBe("1");
    expect(await inGit("other")).toBeUndefined();
    expect((await collect()).commit).toBeUndefined();
  });

  it("gives the newest of several pushes", async () => {
    await push(undefined, new Date("2026-11-24T10:00:00Z"));
    await put(host, { "etc/app/a.conf": "2" });
    await push(undefined, new Date("2026-11-24T11:00:00Z"));
    await collect();
    expect(await inGit("app/a.conf")).toBe("2");
  });

  it("says of a host that it has pushed nothing", async () => {
    const report = await collect();
    expect(report.hosts[0]!.failure).toMatchObject({
      kind: "nothing-pushed",
      message: expect.stringContaining("run `rekindle push-config --host db-1` there"),
    });
  });

  it("takes nothing of a push that was cut short or damaged", async () => {
    await push();
    await collect();
    await put(host, { "etc/app/a.conf": "2" });
    const { key } = await push(undefined, new Date("2100-01-01T00:00:00Z"));
    const { s3 } = clients(sandbox().endpoint, region);
    const body = Buffer.from(
      await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body!.transformToByteArray(),
    );
    const flipped = Buffer.from(body);
    flipped[body.length >> 1]! ^= 1;
    for (const broken of [body.subarray(0, body.length - 20), flipped, body.subarray(0, 0)]) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: broken }));
      const report = await collect();
      expect(report.hosts[0]!.outcome).toBe("failed");
      expect(await inGit("app/a.conf")).toBe("1");
    }
  });

  it("pushes nothing when nothing is there", async () => {
    await expect(push(selection(["/no/such"], []))).rejects.toThrow("none of the paths is there");
    const { s3 } = clients(sandbox().endpoint, region);
    expect((await s3.send(new ListObjectsV2Command({ Bucket: bucket }))).KeyCount).toBe(0);
  });

  it("serves an instance that SSM tells to push", async () => {
    const bin = join(bench.folder, "bin");
    await mkdir(bin);
    // An agent's `aws` puts what comes into a file.
    await writeFile(join(bin, "aws"), '#!/bin/sh\n[ "$1 $2 $3" = "s3 cp -" ] && exec cat >"$SENT"\n', {
      mode: 0o755,
    });
    const sent = join(bench.folder, "sent");
    const agent = async (script: string) => {
      const shell = spawn("sh", ["-s"], {
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, SENT: sent },
      });
      shell.stdin.end(script);
      await new Promise((resolve) => shell.once("exit", resolve));
      const target = /s3:\/\/([^/]+)\/([^']+)/.exec(script)!;
      expect(target[1]).toBe(bucket);
      await inbox.push(target[2]!, sent);
    };
    await bench.role("db", { sources: [{ ssm: "i-0123456789abcdef0", region }], paths: [`${host}/etc/app`] });
    // Instances of the emulator have no agent: this is as much of SSM as one command takes.
    const ssm = createServer(async (request, response) => {
      const { Parameters } = (await json(request)) as { Parameters?: { commands: string[] } };
      if (Parameters !== undefined) await agent(Parameters.commands.join("\n"));
      response.end(JSON.stringify({ Command: { CommandId: "one" }, Status: "Success" }));
    }).listen(0, "127.0.0.1");
    await once(ssm, "listening");
    const endpoint = `http://127.0.0.1:${(ssm.address() as AddressInfo).port}`;
    const clock = { ...systemClock, sleep: () => systemClock.sleep(20) };
    const report = await bench.collect({
      connect: () =>
        ssmSource("i-0123456789abcdef0", region, { ...access(), endpoint }, inbox, { ...patience, clock }),
    });
    ssm.closeAllConnections();
    ssm.close();
    expect(shortcomings(report)).toBeUndefined();
    expect(await bench.committed(`configs/roles/db/files${host}/etc/app/a.conf`)).toBe("1");
    expect(await readdir(bench.folder)).toContain("sent");
  });
});
