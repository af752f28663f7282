import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "@aws-sdk/client-ec2";
import { GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { tags } from "../../bootstrap/config/names.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { ssmShell } from "../../bootstrap/edges/hosts/host-shell.ts";
import { run } from "../../bootstrap/edges/process.ts";
import { applyEnvironment, type Sandbox, sandboxEnvironment } from "../../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import { aTopology, primary, recovery } from "../builders.ts";
import { publishIn, testField } from "../commands/field.ts";
import { startBoxSandbox } from "../e2e/box-sandbox.ts";
import { type RehearsedProject, rehearsedProject } from "../e2e/rehearsed-project.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { sh } from "./loop-volume.ts";

const lacking = lackingForBox();
const limitSeconds = 6;

/** A server with a file system on each of its volumes, and somebody who writes to both without a pause. */
const userData = `#cloud-config
runcmd:
  - mkfs.xfs -q /dev/sdf && mkdir -p /var/lib/postgresql && mount /dev/sdf /var/lib/postgresql
  - mkfs.ext4 -q /dev/sdg && mkdir -p /srv/second && mount /dev/sdg /srv/second
  - |
    setsid sh -c 'n=0; while :; do n=$((n + 1)); for to in /var/lib/postgresql /srv/second; do echo $n >>$to/log; sync $to/log; done; echo $n >/run/acknowledged; sleep 0.02; done' </dev/null >/dev/null 2>&1 &
  - echo user-data has run >/dev/console
`;

describe.skipIf(lacking !== undefined)("rekindle snapshot of a server with a body", () => {
  let folder: string;
  let sandbox: Sandbox;
  let project: RehearsedProject;
  let server: Instance;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-quiesced-bodies-"));
    sandbox = await startBoxSandbox(join(folder, "sandbox"));
    project = await rehearsedProject();
    const from = "quiesce: { kind: postgres, mode: checkpoint, limit: 30s }";
    const to = `quiesce: { kind: filesystem, limit: ${limitSeconds}s }`;
    await project.edit("configs/roles/db/role.yaml", from, to);
    await publishIn(await testField(sandbox, aTopology()));
    const wish = { region: recovery, terraformCliConfig: undefined, inherited: process.env };
    env = applyEnvironment(process.env, sandboxEnvironment(sandbox, wish));
    const { ec2 } = clients(sandbox.endpoint, primary, 60_000);
    const labels = {
      [tags.environment]: "shop",
      [tags.site]: "primary",
      [tags.role]: "db",
      [tags.server]: "db-0",
    };
    server = await launch(ec2, {
      UserData: Buffer.from(userData).toString("base64"),
      BlockDeviceMappings: ["/dev/sdf", "/dev/sdg"].map((DeviceName) => ({
        DeviceName,
        Ebs: { VolumeSize: 1 },
      })),
      TagSpecifications: [
        { ResourceType: "instance", Tags: Object.entries(labels).map(([Key, Value]) => ({ Key, Value })) },
      ],
    });
    await vi.waitFor(
      async () => {
        const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: server.InstanceId! }));
        expect(Buffer.from(Output ?? "", "base64").toString()).toContain("user-data has run");
      },
      { timeout: 120_000, interval: 250 },
    );
  }, 900_000);

  afterAll(async () => {
    await sandbox?.stop();
    await project?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const program = resolve("bin/rekindle.js");
  const snapshot = (...words: string[]) =>
    run(process.execPath, [program, "snapshot", "--env", "shop", ...words], { cwd: project.folder, env });
  const acknowledged = async () => {
    const access = {
      endpoint: sandbox.endpoint,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      stopwatch: new Stopwatch(systemClock),
    };
    const { signal } = new AbortController();
    const patience = { timeoutMs: 20_000, signal, clock: systemClock, pollMs: 50 };
    const { stdout } = await ssmShell(server.InstanceId!, primary, access, patience)("cat /run/acknowledged");
    return Number(stdout);
  };
  const isWriting = async () => {
    const before = await acknowledged();
    await sleep(500);
    return (await acknowledged()) > before;
  };

  test("freezes all its volumes for the moment of the call, says so, and the copies are clean", async () => {
    const { stdout, stderr, ending } = await snapshot("--json");
    expect([ending, stderr]).toEqual([{ kind: "exited", code: 0 }, expect.stringContaining("quiet for")]);
    const point = JSON.parse(stdout) as RecoveryPoint;
    expect(point).toMatchObject({ status: "complete", consistency: "filesystem" });
    const [set] = point.sets;
    if (set?.kind !== "volumes") throw new Error("the point has no volumes");
    expect(set.observed.ran.map(({ what, exitCode }) => `${what} ${exitCode}`)).toEqual(
      expect.arrayContaining(
        ["/var/lib/postgresql", "/srv/second"].flatMap((mount) => [
          `fsfreeze --freeze ${mount} 0`,
          `fsfreeze --unfreeze ${mount} 0`,
        ]),
      ),
    );
    expect(set.layout).toMatchObject({
      kind: "single",
      filesystem: { type: "xfs", mount: "/var/lib/postgresql" },
    });
    expect(set.layout!.members).toEqual(["data-0"]);
    const saved = await sandbox.saveSnapshot(recovery, set.volumes[1]!.snapshots[recovery]!);
    try {
      const [file] = await readdir(saved);
      expect(sh(`dumpe2fs -h ${join(saved, file!)} 2>/dev/null`)).not.toContain("needs_recovery");
      sh(`e2fsck -fn ${join(saved, file!)}`);
    } finally {
      await rm(saved, { recursive: true, force: true });
    }
    expect(await isWriting()).toBe(true);
  });

  test("is killed with SIGKILL in the window, and the server lets its data go on by itself", async () => {
    const fault = await sandbox.addFault({
      service: "ec2",
      action: "CreateSnapshots",
      kind: "latency",
      latencyMs: 60_000,
    });
    let killed: ChildProcess | undefined;
    try {
      killed = spawn(process.execPath, [program, "snapshot", "--env", "shop"], {
        cwd: project.folder,
        env,
        stdio: "ignore",
      });
      await vi.waitFor(async () => expect(await isWriting()).toBe(false), { timeout: 30_000, interval: 50 });
    } finally {
      killed?.kill("SIGKILL");
    }
    const since = systemClock.monotonic();
    await vi.waitFor(async () => expect(await isWriting()).toBe(true), { timeout: 30_000, interval: 50 });
    expect(systemClock.monotonic() - since).toBeLessThan((limitSeconds + 4) * 1000);
    await sandbox.removeFault(fault);
    // What the killed run left is no point, and its lock is no one else's for a while.
    const { stderr, ending } = await snapshot();
    expect(ending).toEqual({ kind: "exited", code: 4 });
    expect(stderr).toContain("another rekindle snapshot is running");
  });
});
