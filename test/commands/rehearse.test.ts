import { generateKeyPairSync, sign } from "node:crypto";
import { type RehearseContext, rehearse } from "../../bootstrap/commands/rehearse.ts";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import type { Finished } from "../../bootstrap/edges/process.ts";
import type { Performance, Stage, StagedServer } from "../../bootstrap/edges/stage.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import type { BootReport } from "../../bootstrap/history/log.ts";
import { publicKey } from "../../bootstrap/release/signature.ts";
import { aFile, aRoleSource, aTopology } from "../builders.ts";

/** Time that passes only when somebody sleeps; others get their turn meanwhile. */
class SleepingClock implements Clock {
  #at = 0;
  now = () => new Date(Date.UTC(2026, 10, 24) + this.#at);
  monotonic = () => this.#at;
  async sleep(milliseconds: number): Promise<void> {
    this.#at += milliseconds;
    await new Promise((wake) => setImmediate(wake));
  }
}

const healthy: BootReport = {
  version: 1,
  environment: "shop",
  role: "web",
  server: "web",
  instance: "i-1",
  region: "eu-west-1",
  release: "worktree-1",
  pinned: "worktree-1",
  previous: null,
  outcome: "healthy",
  message: "web runs release worktree-1",
  startedAt: "2026-11-24T00:00:00.000Z",
  finishedAt: "2026-11-24T00:00:00.000Z",
  steps: [],
};

const exited = (code: number, stdout = ""): Finished => ({
  ending: { kind: "exited", code },
  stdout,
  stderr: "",
});

interface Acts {
  report?: Partial<BootReport>;
  /** What the server answers to a script that holds such a word; all else fails. */
  answers?: Record<string, Finished>;
  stops?: boolean;
  saved?: boolean;
  bakeSays?: (userData: string) => string;
}

/** A stage whose server does as it is told. */
function fakeStage(acts: Acts) {
  const booted: StagedServer[] = [];
  const calls: string[] = [];
  const never = new Promise<never>(() => undefined);
  const stage = {
    engine: { name: "box", limits: ["a fake"] },
    prepare: async () => void calls.push("prepare"),
    image: async () => (acts.saved === false ? undefined : "disk"),
    bake: async ({ userData }: { userData: Uint8Array }) => ({
      console: acts.bakeSays?.(Buffer.from(userData).toString()) ?? "",
      save: async () => {
        calls.push("save");
        return "baked";
      },
    }),
    boot: async (server: StagedServer): Promise<Performance> => {
      booted.push(server);
      return {
        body: {
          stopped: acts.stops ? Promise.resolve() : never,
          exec: async (script: string) =>
            Object.entries(acts.answers ?? {}).find(([word]) => script.includes(word))?.[1] ?? exited(1),
        } as unknown as Performance["body"],
        reported: acts.report ? Promise.resolve(JSON.stringify({ ...healthy, ...acts.report })) : never,
        console: async () => "line one\nline two\n",
        refusedCalls: new Set(["ec2 DescribeInstances"]),
      };
    },
    close: async () => void calls.push("close"),
  };
  return { stage: stage as unknown as Stage, booted, calls };
}

async function rehearsed(acts: Acts, changes: Partial<RehearseContext> = {}) {
  const { stage, booted, calls } = fakeStage(acts);
  const { privateKey, publicKey: half } = generateKeyPairSync("ed25519");
  const clock = new SleepingClock();
  const visits: string[] = [];
  const source = aRoleSource({
    duties: {
      services: ["nginx.service"],
      health: { kind: "http", port: 80, path: "/healthz", timeoutSeconds: 120 },
      volumes: [],
    },
  });
  const outcome = rehearse({
    role: "web",
    topology: aTopology(),
    source,
    recipe: {
      base: { ssmParameter: "/base" },
      rootVolumeGiB: 8,
      packages: ["nginx"],
      files: [],
      bootScript: Buffer.from("#!/bin/sh\n"),
    },
    signer: {
      publicKey: async () => publicKey(half.export({ type: "spki", format: "pem" }).toString()),
      sign: async (statement) => sign(null, statement, privateKey),
    },
    data: undefined,
    limitSeconds: 60,
    clock,
    stopwatch: new Stopwatch(clock),
    signal: new AbortController().signal,
    progress: { started: () => undefined, ended: () => undefined },
    print: () => undefined,
    openStage: async () => stage,
    visit: async (_, { verdict }) => void visits.push(`${verdict} before ${calls.includes("close")}`),
    ...changes,
  });
  return { outcome, booted, calls, visits };
}

const page = { curl: exited(0, "200") };

describe("rehearse", () => {
  it("passes a server that reports health and answers its check, and lets look at it while it runs", async () => {
    const { outcome, booted, calls, visits } = await rehearsed({ report: {}, answers: page });
    expect(await outcome).toMatchObject({
      verdict: "passed",
      server: "web",
      engine: "box",
      image: { origin: "saved" },
      health: { check: "http://127.0.0.1:80/healthz", passed: true, answer: "200" },
      said: [],
      console: [],
      absent: ["role db: its server does not answer"],
      refusedCalls: ["ec2 DescribeInstances"],
    });
    expect(visits).toEqual(["passed before false"]);
    expect(calls).toEqual(["prepare", "close"]);
    expect([...booted[0]!.provisions.objects.keys()].some((key) => key.includes("/signatures/"))).toBe(true);
  });

  it("fails one that did not get healthy, with its services' own words and the end of its console", async () => {
    const { outcome } = await rehearsed({
      report: { outcome: "failed", message: "release worktree-1 is not healthy" },
      answers: { journalctl: exited(0, "nginx: [emerg] unknown directive\n") },
    });
    expect(await outcome).toMatchObject({
      verdict: "failed",
      message: "release worktree-1 is not healthy",
      said: ["nginx: [emerg] unknown directive"],
      console: ["line one", "line two"],
    });
  });

  it("believes no report when the check answers otherwise", async () => {
    const { outcome } = await rehearsed({ report: {}, answers: { curl: exited(22, "503") } });
    expect(await outcome).toMatchObject({ verdict: "failed", health: { passed: false, answer: "503" } });
  });

  it("fails one whose user-data ends without rekindle-boot, one that stops, and one that takes too long", async () => {
    const silent = await rehearsed({ answers: { "result.json": exited(0) } });
    expect((await silent.outcome).message).toBe("its user-data has run, and no rekindle-boot has reported");
    const stopped = await rehearsed({ stops: true });
    expect((await stopped.outcome).message).toBe("it has stopped before its boot came to an end");
    const slow = await rehearsed({});
    expect((await slow.outcome).message).toBe("its boot did not come to an end within 60 s");
  });

  it("bakes an image that is not there, and keeps it only with the builder's success mark", async () => {
    const baked = await rehearsed({
      saved: false,
      report: {},
      answers: page,
      bakeSays: (userData) => /rekindle-bake-ok [0-9a-f]{64}/.exec(userData)![0],
    });
    expect((await baked.outcome).image.origin).toBe("baked");
    expect(baked.calls).toEqual(["prepare", "save", "close"]);
    const failed = await rehearsed({ saved: false, bakeSays: () => "E: no such package\n" });
    await expect(failed.outcome).rejects.toMatchObject({
      kind: "tool-failed",
      details: ["E: no such package"],
    });
    expect(failed.calls).toEqual(["prepare", "close"]);
  });

  it("gives parameters and secrets random values, and restores the volumes of a point", async () => {
    const text = "{{ssm:/a/password}} {{ssm:/b/password}} {{secret:s#key}}";
    const template = { ...aFile("etc/a.conf", text), template: true } as ReturnType<typeof aFile>;
    const volumes = { "data-0": { sizeGiB: 12, folder: "/saved/0" } };
    const { outcome, booted } = await rehearsed(
      { report: {}, answers: page },
      { role: "db", source: aRoleSource({ tree: [template] }), data: { point: "point-1", volumes } },
    );
    expect(await outcome).toMatchObject({ from: "point-1", server: "db-0" });
    const { provisions, volumes: launched } = booted[0]!;
    expect(provisions.parameters.get("/a/password")).toMatch(/^[\w-]{24}$/);
    expect(provisions.parameters.get("/b/password")).toBe(provisions.parameters.get("/a/password"));
    expect(JSON.parse(provisions.secrets.get("s")!)).toEqual({ key: expect.stringMatching(/^[\w-]{24}$/) });
    expect(launched).toEqual([
      { device: "/dev/sdf", sizeGiB: 12, from: "/saved/0" },
      { device: "/dev/sdg", sizeGiB: 10 },
    ]);
  });

  it("gives an engine's reasons as they are, and ends the stage when it is interrupted", async () => {
    const broken = await rehearsed(
      {},
      {
        openStage: async () => {
          throw new Error("the base image can't be built\nE: no mirror");
        },
      },
    );
    await expect(broken.outcome).rejects.toMatchObject({
      kind: "tool-failed",
      message: "the base image can't be built",
      details: ["E: no mirror"],
    });
    const interrupted = new AbortController();
    interrupted.abort();
    const { outcome, calls } = await rehearsed({ stops: true }, { signal: interrupted.signal });
    await expect(outcome).rejects.toMatchObject({ message: "stopped; the server is gone" });
    expect(calls).toContain("close");
  });
});
