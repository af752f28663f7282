import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import {
  DeleteTagsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RestoreRegion } from "../../bootstrap/commands/restore-server.ts";
import { type ReplaceContext, restoreVolume } from "../../bootstrap/commands/restore-volume.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import { tags } from "../../bootstrap/config/names.ts";
import type { Topology } from "../../bootstrap/config/schema.ts";
import { ebsVolumes } from "../../bootstrap/edges/aws/volumes.ts";
import { underLock } from "../../bootstrap/edges/bucket-lock.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { actingShell } from "../../bootstrap/edges/hosts/acting-shell.ts";
import { ssmShell } from "../../bootstrap/edges/hosts/host-shell.ts";
import { serverData } from "../../bootstrap/edges/hosts/server-data.ts";
import { run } from "../../bootstrap/edges/process.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RekindleError } from "../../bootstrap/errors.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import type { PublicKey } from "../../bootstrap/release/signature.ts";
import { trustedKeyPath } from "../../bootstrap/release/trust.ts";
import { primary } from "../builders.ts";
import { publishIn, type TestField, testField } from "../commands/field.ts";
import { startBoxSandbox } from "../e2e/box-sandbox.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { bootRows, type RowsServer, rowsSource, rowsTopology, volumeOf } from "./rows-server.ts";

const lacking = lackingForBox();
const topology = rowsTopology();

describe.skipIf(lacking !== undefined)("the data of a running server", () => {
  let folder = "";
  let sandbox: Sandbox;
  let field: TestField;
  const servers: Record<string, RowsServer> = {};
  const points: RecoveryPoint[] = [];
  /** Rows that each server had before the first point, and after it. */
  const before: Record<string, number> = {};
  const after: Record<string, number> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-restore-"));
    sandbox = await startBoxSandbox(join(folder, "sandbox"));
    field = await testField(sandbox, topology);
    const sources = { db: rowsSource(topology, "db"), log: rowsSource(topology, "log") };
    const { release } = await publishIn(field, { sources });
    for (const role of ["db", "log"]) servers[role] = await bootRows(sandbox, field, role, release);
    await writeProject(join(folder, "project"), topology, field.shared.trusted[0]);
    for (const role of ["db", "log"]) before[role] = await servers[role]!.rows();
    points.push(await snapshot());
    for (const role of ["db", "log"]) {
      after[role] = await servers[role]!.rows();
      await servers[role]!.shell("echo later >/var/lib/rows/later");
    }
  }, 900_000);

  afterAll(async () => {
    await sandbox?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const ec2 = () => clients(sandbox.endpoint, primary, 60_000).ec2;

  function snapshot(): Promise<RecoveryPoint> {
    const { shared, cloud } = field;
    return takeSnapshot({ ...shared, primary: cloud.primary, recovery: cloud.recovery });
  }

  /** The program, as a user calls it in the project's folder. */
  async function rekindle(...words: string[]) {
    const env = {
      ...process.env,
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    const cwd = join(folder, "project");
    const { ending, stdout, stderr } = await run(process.execPath, [resolve("bin/rekindle.js"), ...words], {
      cwd,
      env,
    });
    return { code: ending.kind === "exited" ? ending.code : ending, stdout, stderr };
  }

  /** The story with its real edges, for what no user can do: something fails in the middle. */
  function context(server: string, changes: Partial<RestoreRegion> = {}): ReplaceContext {
    const { shared, cloud } = field;
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const access = { endpoint: sandbox.endpoint, credentials, stopwatch: shared.stopwatch };
    const region: RestoreRegion = {
      catalog: cloud.primary.catalog,
      snapshots: cloud.primary.volumes,
      volumes: ebsVolumes(access, primary),
      data(of, signal) {
        const patience = { timeoutMs: 60_000, signal, clock: systemClock };
        const shell = ssmShell(of.instance, primary, access, patience);
        return serverData(of.server, shell, actingShell(shell, systemClock));
      },
      alone: (_server, signal, work) => work(signal),
      ...changes,
    };
    return {
      ...shared,
      server,
      wish: { kind: "point", id: points[0]!.id },
      regions: [region],
      dryRun: false,
      replaceNewer: true,
    };
  }

  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.unreachable("it succeeded"),
      (error: RekindleError) => error,
    );

  /** Everything of a server that must be as before when nothing was to be changed. */
  async function isAsBefore(role: string, volumes: Record<string, string>): Promise<void> {
    const server = servers[role]!;
    expect(await server.volumes()).toEqual(volumes);
    expect(await server.shell("systemctl is-active rows.service")).toBe("active");
    expect(await server.shell("cat /var/lib/rows/later")).toBe("later");
    const rows = await server.rows();
    expect(rows).toBeGreaterThan(after[role]!);
    await expect.poll(() => server.rows()).toBeGreaterThan(rows);
    const { Volumes } = await ec2().send(
      new DescribeVolumesCommand({ Filters: [{ Name: "tag-key", Values: [tags.replaces, tags.replaced] }] }),
    );
    expect(Volumes).toEqual([]);
    const { Snapshots } = await ec2().send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: "tag-key", Values: [tags.replaced] }] }),
    );
    expect(Snapshots).toEqual([]);
  }

  it.each([
    "db",
    "log",
  ])("is not replaced when it is newer than the point, which is said with how much: %s", async (role) => {
    const volumes = await servers[role]!.volumes();
    const refused = await rekindle("restore", "volume", `${role}-0`);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(
      new RegExp(`${role}-0 holds data that is newer than ${points[0]!.id}: \\d+ files changed since`),
    );
    expect(refused.stderr).toContain("add --replace-newer");
    await isAsBefore(role, volumes);
  });

  it("can be asked what would be done", async () => {
    const volumes = await servers.db!.volumes();
    const dry = await rekindle("restore", "volume", "db-0", "--dry-run", "--point", points[0]!.id);
    expect(dry.stderr).toBe("");
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain(`goes back to ${points[0]!.id}: taken at ${points[0]!.sets[0]!.takenAt}`);
    expect(dry.stdout).toMatch(/in use by process \d+.*: \/usr\/bin\/python3 \/opt\/rows.py/);
    for (const volume of Object.values(volumes)) expect(dry.stdout).toContain(`detach ${volume}`);
    await isAsBefore("db", volumes);
  });

  it.each(["db", "log"])("can be looked at as it was, beside what it is: %s", async (role) => {
    const server = servers[role]!;
    const volumes = await server.volumes();
    const opened = await rekindle("restore", "volume", `${role}-0`, "--beside");
    expect(opened.code, opened.stderr).toBe(0);
    const old = `/mnt/rekindle-${points[0]!.id}`;
    expect(opened.stdout).toContain(`mounted read-only at ${old}`);
    const rows = await server.rows(`${old}/rows`);
    expect(rows).toBeGreaterThanOrEqual(before[role]!);
    expect(rows).toBeLessThanOrEqual(after[role]!);
    expect(await server.shell(`touch ${old}/x 2>/dev/null || echo read-only`)).toBe("read-only");
    // A second time it is there already.
    const attached = await server.volumes();
    expect((await rekindle("restore", "volume", `${role}-0`, "--beside")).code).toBe(0);
    expect(await server.volumes()).toEqual(attached);
    const refused = await rekindle("restore", "volume", `${role}-0`, "--replace-newer");
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("--beside --detach");
    for (const _ of [1, 2]) {
      const closed = await rekindle("restore", "volume", `${role}-0`, "--beside", "--detach");
      expect(closed.code, closed.stderr).toBe(0);
    }
    expect(await server.shell(`[ -e ${old} ] || echo gone`)).toBe("gone");
    const { Volumes } = await ec2().send(
      new DescribeVolumesCommand({ Filters: [{ Name: "tag-key", Values: [tags.beside] }] }),
    );
    expect(Volumes).toEqual([]);
    await isAsBefore(role, volumes);
  });

  it("is as before when the new volumes can't be attached", async () => {
    const volumes = await servers.db!.volumes();
    const real = context("db-0").regions[0]!.volumes;
    await sandbox.addFault({ service: "ec2", action: "AttachVolume", kind: "500" });
    const error = await failure(
      restoreVolume(
        context("db-0", {
          volumes: {
            ...real,
            // What fails is over before it is undone.
            attach: (...words) => real.attach(...words).finally(() => sandbox.clearFaults()),
          },
        }),
      ),
    );
    expect(error.message).toMatch(/^the data of db-0 was not replaced, and is as before: EC2 AttachVolume/);
    expect(error.details).toEqual([]);
    await isAsBefore("db", volumes);
  });

  it("is as before when something holds it that belongs to no service, which is named", async () => {
    const server = servers.log!;
    const volumes = await server.volumes();
    await server.shell("cd /var/lib/rows && setsid tail -f later >/dev/null 2>&1 </dev/null & echo");
    const error = await failure(restoreVolume(context("log-0")));
    expect(error.message).toMatch(/\/var\/lib\/rows is used by process \d+ \(tail -f later\)/);
    await isAsBefore("log", volumes);
    await server.shell("pkill -x tail");
  });

  it("is as before when the service does not get healthy with the point's data", {
    timeout: 240_000,
  }, async () => {
    const server = servers.log!;
    const volumes = await server.volumes();
    await server.shell("touch /var/lib/rows/poison");
    const poisoned = await snapshot();
    await server.shell("rm /var/lib/rows/poison");
    const error = await failure(
      restoreVolume({ ...context("log-0"), wish: { kind: "point", id: poisoned.id } }),
    );
    expect(error.message).toContain("log-0 was not replaced, and is as before: on server log-0: ");
    expect(error.message).toContain("is not healthy");
    await isAsBefore("log", volumes);
  });

  it.each([
    ["new volumes were made", () => ({ release: () => Promise.reject(new Error("killed")) })],
    ["the present ones were taken apart", () => ({ resume: () => Promise.reject(new Error("killed")) })],
  ])(
    "is settled by the next run when one was killed after %s",
    { timeout: 240_000 },
    async (_when, dying) => {
      const volumes = await servers.log!.volumes();
      const usual = context("log-0");
      const region = usual.regions[0]!;
      let isAlive = true;
      // Whoever is killed undoes nothing.
      const dead = () => (isAlive ? undefined : new Promise<never>(() => undefined));
      const mortal = {
        ...region,
        volumes: {
          ...region.volumes,
          remove: async (id: string) => (await dead()) ?? region.volumes.remove(id),
          of: async (...words: Parameters<typeof region.volumes.of>) =>
            (await dead()) ?? region.volumes.of(...words),
        },
        data: (...words: Parameters<RestoreRegion["data"]>) => ({
          ...region.data(...words),
          ...Object.fromEntries(
            Object.entries(dying()).map(([name, act]) => [
              name,
              () => {
                isAlive = false;
                return act();
              },
            ]),
          ),
        }),
      };
      void restoreVolume({ ...usual, regions: [mortal] }).catch(() => undefined);
      await expect.poll(() => isAlive, { timeout: 60_000 }).toBe(false);
      const dry = await failure(restoreVolume({ ...usual, dryRun: true }));
      expect(dry.message).toContain("an earlier restore of log-0 was cut short");
      const settled = await failure(restoreVolume({ ...usual, replaceNewer: false }));
      if (Object.keys(dying()).includes("release")) {
        expect(settled.message).toContain("holds data that is newer");
        await isAsBefore("log", volumes);
      } else {
        // The server may have written to them already: they are its data now.
        expect(settled.message).toContain("holds data that is newer");
        expect(await servers.log!.volumes()).not.toEqual(volumes);
        await goBack("log", volumes);
      }
    },
  );

  /** Puts earlier volumes back by hand, for the tests that follow. */
  async function goBack(role: string, volumes: Record<string, string>): Promise<void> {
    const server = servers[role]!;
    await server.shell("systemctl stop rows.service; umount /var/lib/rows");
    for (const [device, VolumeId] of Object.entries(await server.volumes())) {
      await ec2().send(new DetachVolumeCommand({ VolumeId, InstanceId: server.instance.InstanceId! }));
      const { volumes: port } = context(`${role}-0`).regions[0]!;
      await port.remove(VolumeId);
      await port.attach(volumes[device]!, server.instance.InstanceId!, device);
      await ec2().send(
        new DeleteTagsCommand({ Resources: [volumes[device]!], Tags: [{ Key: tags.replaced }] }),
      );
    }
    await server.shell("rekindle-boot");
    const { Snapshots } = await ec2().send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: "tag-key", Values: [tags.replaced] }] }),
    );
    for (const { SnapshotId } of Snapshots!) await field.cloud.primary.volumes.remove(SnapshotId!);
  }

  it("is handled by one run at a time", async () => {
    let end = () => {};
    const options = { ...field.shared, name: "restore-log-0", waitMs: 0 };
    const held = underLock(
      field.cloud.primary.catalog.store,
      options,
      () =>
        new Promise<void>((done) => {
          end = done;
        }),
    );
    const waiting = rekindle("restore", "volume", "log-0", "--beside", "--detach");
    await systemClock.sleep(5_000);
    end();
    await held;
    expect((await waiting).stdout).toContain("waiting for another rekindle restore-log-0");
  });

  it("leaves files alone, which come back by themselves: verified, filled in, and with copies of what they replace", async () => {
    const server = servers.log!;
    await server.shell("echo broken >/etc/rows/conf; chmod 600 /etc/rows/conf; rm /etc/rows/env");
    const words = ["restore", "files", "current", "/etc/rows", "--role", "log", "--to-server", "log-0"];
    const dry = await rekindle(...words, "--dry-run");
    expect(dry.code, dry.stderr).toBe(0);
    expect(dry.stdout).toContain("-broken\n+first\n");
    expect(await server.shell("cat /etc/rows/conf")).toBe("broken");
    const done = await rekindle(...words);
    expect(done.code, done.stderr).toBe(0);
    expect(
      await server.shell("cat /etc/rows/conf; stat -c %a:%U /etc/rows/conf /etc/rows/env; cat /etc/rows/env"),
    ).toBe("first\n644:root\n640:root\nserver=log-0");
    const [, kept] = /copies of what was replaced are in (\S+)/.exec(done.stdout)!;
    expect(
      await server.shell(`cat ${kept}/etc/rows/conf; stat -c %a ${kept}/etc/rows/conf; ls ${kept}/etc/rows`),
    ).toBe("broken\n600\nconf");
    expect((await rekindle(...words)).stdout).toContain("nothing differs");
    expect(await server.shell("rekindle-boot --check >/dev/null && echo as its release")).toBe(
      "as its release",
    );
  });

  it.each(["db", "log"])("comes back from the point, and what it was is kept: %s", {
    timeout: 240_000,
  }, async (role) => {
    const server = servers[role]!;
    const old = await server.volumes();
    const last = await server.rows();
    // Another service that uses the data is stopped, and starts again.
    const done = await rekindle(
      "restore",
      "volume",
      `${role}-0`,
      "--point",
      points[0]!.id,
      "--replace-newer",
    );
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toContain("its health check passes");
    expect(await server.shell("[ -e /var/lib/rows/later ] || echo gone")).toBe("gone");
    expect(await server.shell("systemctl is-active rows.service")).toBe("active");
    const rows = await server.rows();
    expect(rows).toBeGreaterThanOrEqual(before[role]!);
    expect(rows).toBeLessThan(last);
    await expect.poll(() => server.rows()).toBeGreaterThan(rows);

    const now = await server.volumes();
    expect(Object.keys(now)).toEqual(Object.keys(old));
    for (const [device, id] of Object.entries(now)) {
      const [present, past] = [await volumeOf(ec2(), id), await volumeOf(ec2(), old[device]!)];
      expect(id).not.toBe(past!.VolumeId);
      expect(present).toMatchObject({
        Size: past!.Size,
        VolumeType: past!.VolumeType,
        AvailabilityZone: past!.AvailabilityZone,
      });
      expect(past).toMatchObject({ State: "available", Attachments: [] });
      expect(done.stdout).toContain(past!.VolumeId);
      expect(past!.Tags!.map(({ Key }) => Key)).toContain(tags.replaced);
      const { Snapshots } = await ec2().send(
        new DescribeSnapshotsCommand({ Filters: [{ Name: "volume-id", Values: [past!.VolumeId!] }] }),
      );
      const own = Snapshots!.filter(({ Tags }) => Tags?.some(({ Key }) => Key === tags.replaced));
      expect(own).toHaveLength(1);
      expect(done.stdout).toContain(own[0]!.SnapshotId);
    }
  });
});

/** A user's project with the environment in it. */
async function writeProject(folder: string, { environment, roles }: Topology, key: PublicKey): Promise<void> {
  const files: Record<string, unknown> = {
    "cdktf.json": { context: { environment: environment.name } },
    [`configs/environments/${environment.name}.yaml`]: environment,
    "cloud-init/templates/server.yaml": "#cloud-config\n",
    "cloud-init/boot": await readFile("cloud-init/boot", "utf8"),
    [trustedKeyPath(key)]: key.pem,
  };
  for (const [role, description] of Object.entries(roles))
    files[`configs/roles/${role}/role.yaml`] = description;
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
  }
}
