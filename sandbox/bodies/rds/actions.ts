import { type DBInstance, DeleteDBInstanceCommand } from "@aws-sdk/client-rds";
import type { Emulator } from "../../emulator.ts";
import { Refusal } from "../../refusal.ts";
import { type ReplicatedBackups, windowOf } from "../../replicated-backups.ts";
import { replicatedSource } from "../../restore-of-replicated.ts";
import type { Status } from "./database.ts";
import type { Databases } from "./databases.ts";
import { managedPassword } from "./master-password.ts";
import type { ReplicatedData } from "./replicated-data.ts";
import { restoreTime } from "./restore-time.ts";

/** One call of RDS, on its way. */
export interface Call {
  databases: Databases;
  backups: ReplicatedBackups;
  replicated: ReplicatedData;
  emulator: Emulator;
  form: URLSearchParams;
  /** Lets the emulator do its part; ends the call when it refuses. Returns what it said. */
  forward(): Promise<string>;
  regionOf(region: string): Promise<Databases>;
}

type Action = (call: Call) => Promise<unknown>;

export const instanceActions = {
  async CreateDBInstance(call) {
    const { databases, form, forward } = call;
    demandMaster(form);
    await forward();
    await beginning(call, form.get("DBInstanceIdentifier")!, async (instance, password) => ({
      origin: {
        kind: "new",
        master: instance.MasterUsername!,
        password: password ?? form.get("MasterUserPassword")!,
        database: instance.DBName,
      },
      data: await databases.engine.blankVolume(instance.AllocatedStorage!),
    }));
  },

  async RestoreDBInstanceFromDBSnapshot(call) {
    const { databases, form, forward } = call;
    await forward();
    await beginning(call, form.get("DBInstanceIdentifier")!, async (instance) => {
      const snapshot = databases.snapshot(snapshotName(form.get("DBSnapshotIdentifier")!).name);
      return {
        origin: { kind: "snapshot" },
        data: await databases.engine.volumeFrom(snapshot, instance.AllocatedStorage!),
      };
    });
  },

  async RestoreDBInstanceToPointInTime(call) {
    const { databases, backups, replicated, form, forward } = call;
    const { engine, clock } = databases;
    const backup = replicatedSource(backups, databases.emulated.region, form);
    if (backup !== undefined) {
      const until = restoreTime(form, windowOf(backup));
      await forward();
      return await beginning(call, form.get("TargetDBInstanceIdentifier")!, async (instance) => ({
        origin: { kind: "moment", until },
        ...(await replicated.volumes(backup, instance.AllocatedStorage!)),
      }));
    }
    const name = form.get("SourceDBInstanceIdentifier");
    if (name === null)
      throw new Refusal(
        "InvalidParameterCombination",
        "the sandbox restores to a point in time from an instance that is there; give SourceDBInstanceIdentifier",
      );
    const source = databases.get(name);
    if (source === undefined) return await forward();
    demandStatus(name, source.database.status, "available", "stopped");
    const now = clock.now();
    const until = restoreTime(form, { from: source.backup?.at, to: source.stoppedAt ?? now });
    await forward();
    await beginning(call, form.get("TargetDBInstanceIdentifier")!, async (instance) => {
      const log = await source.database.log(until ?? now.toISOString());
      const restored = await engine.volumeFrom(log, 1);
      await engine.remove(log);
      const backup = databases.snapshot(source.backup!.snapshot);
      const data = await engine.volumeFrom(backup, instance.AllocatedStorage!);
      return { origin: { kind: "moment", until }, data, restored };
    });
  },

  async DeleteDBInstance({ databases, form, forward }) {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(name);
    const last = form.get("SkipFinalSnapshot") === "true" ? null : form.get("FinalDBSnapshotIdentifier");
    if (kept === undefined || last === null) {
      await forward();
      return await databases.remove(name);
    }
    const disk = await kept.database.snapshot();
    try {
      await forward();
    } catch (error) {
      await databases.engine.remove(disk);
      throw error;
    }
    databases.keep(last, disk);
    await databases.remove(name);
  },

  async StopDBInstance({ databases, form, forward }) {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(name);
    if (kept === undefined) return await forward();
    demandStatus(name, kept.database.status, "available");
    await forward();
    const snapshot = form.get("DBSnapshotIdentifier");
    if (snapshot !== null) databases.keep(snapshot, await kept.database.snapshot());
    kept.stoppedAt = databases.clock.now();
    databases.goOn(kept.database.stop(kept.stoppedAt.toISOString()));
  },

  async StartDBInstance({ databases, form, forward }) {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(name);
    if (kept !== undefined) demandStatus(name, kept.database.status, "stopped");
    await forward();
    if (kept === undefined) return;
    delete kept.stoppedAt;
    databases.goOn(kept.database.start());
  },

  async RebootDBInstance({ databases, form, forward }) {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(name);
    if (kept !== undefined) demandStatus(name, kept.database.status, "available");
    await forward();
    if (kept !== undefined) databases.goOn(kept.database.reboot());
  },

  async ModifyDBInstance({ databases, emulator, form, forward }) {
    const name = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(name);
    if (kept === undefined) return await forward();
    demandStatus(name, kept.database.status, "available", "stopped");
    if (form.has("DBPortNumber"))
      throw new Refusal("InvalidParameterCombination", "the sandbox does not change a database's port");
    await forward();
    const now = form.get("NewDBInstanceIdentifier") ?? name;
    databases.rename(name, now);
    const instance = await databases.described(now);
    const { database } = kept;
    database.endpoint = { ...database.endpoint, name: instance.Endpoint!.Address! };
    const renewed = form.get("RotateMasterUserPassword") === "true";
    const isManaged = renewed || form.get("ManageMasterUserPassword") === "true";
    const password = isManaged
      ? await managedPassword(emulator, databases.emulated.region, instance, { renewed })
      : form.get("MasterUserPassword");
    if (password !== null) await database.setPassword({ master: instance.MasterUsername!, password });
    if (instance.BackupRetentionPeriod === 0) delete kept.backup;
    else if (kept.backup === undefined) await databases.keepBackup(now, await database.snapshot());
  },
} satisfies Record<string, Action>;

/** Gives an instance that the emulator has made its server; takes the instance back when that can't be begun. */
async function beginning(
  { databases, emulator }: Call,
  identifier: string,
  volumes: (
    instance: DBInstance,
    password: string | undefined,
  ) => Promise<Omit<Parameters<Databases["make"]>[1], "credentials">>,
): Promise<void> {
  const instance = await databases.described(identifier);
  if (!isPostgres(instance)) return;
  try {
    const isManaged = instance.MasterUserSecret !== undefined;
    const password = isManaged
      ? await managedPassword(emulator, databases.emulated.region, instance)
      : undefined;
    const credentials = password === undefined ? undefined : { master: instance.MasterUsername!, password };
    await databases.make(instance, { ...(await volumes(instance, password)), credentials });
  } catch (error) {
    await databases.emulated.rds.send(
      new DeleteDBInstanceCommand({ DBInstanceIdentifier: identifier, SkipFinalSnapshot: true }),
    );
    throw error;
  }
}

/** A cluster's members have no body, and neither has another kind of database. */
function isPostgres({ Engine, DBClusterIdentifier }: DBInstance): boolean {
  return Engine === "postgres" && !DBClusterIdentifier;
}

function demandMaster(form: URLSearchParams): void {
  if (form.get("Engine") !== "postgres") return;
  const isManaged = form.get("ManageMasterUserPassword") === "true";
  const user = form.get("MasterUsername");
  if (user === null || (!isManaged && form.get("MasterUserPassword") === null))
    throw new Refusal(
      "InvalidParameterValue",
      "give MasterUsername, and MasterUserPassword or ManageMasterUserPassword",
    );
  if (/^(rdsadmin|rds_.*|pg_.*)$/i.test(user))
    throw new Refusal(
      "InvalidParameterValue",
      `MasterUsername ${user} is a reserved word used by the engine`,
    );
}

/** As RDS refuses what an instance is not ready for. */
export function demandStatus(name: string, status: Status, ...wanted: readonly Status[]): void {
  if (wanted.includes(status)) return;
  throw new Refusal("InvalidDBInstanceState", `${name} is ${status}, and not ${wanted.join(" or ")}`);
}

/** A snapshot's name, and its region when it is given as an ARN. */
export function snapshotName(given: string): { name: string; region?: string } {
  const [, region, name] = /^arn:[^:]+:rds:([^:]+):[^:]*:snapshot:(.+)$/.exec(given) ?? [];
  return region === undefined || name === undefined ? { name: given } : { name, region };
}
