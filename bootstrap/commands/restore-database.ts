import { isCluster, primaryDatabases } from "../config/databases.ts";
import { endpointParameter, keyAlias, secretParameter } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Account } from "../edges/aws/account.ts";
import type { BackupReplication } from "../edges/aws/backup-replication.ts";
import type { DatabaseBackups } from "../edges/aws/database-backups.ts";
import type { DatabaseInstances, LiveInstance } from "../edges/aws/database-instances.ts";
import type { Parameters } from "../edges/aws/parameters.ts";
import type { Catalog } from "../edges/catalog.ts";
import { type Patience, waitFor } from "../edges/wait.ts";
import { RekindleError } from "../errors.ts";
import { describePin } from "../recovery/database-pin.ts";
import {
  type DatabaseRestore,
  planDatabaseRestore,
  type RestoreWish,
  restoreNames,
} from "../recovery/database-restore.ts";
import { Undo } from "./undo.ts";

const limitSeconds = 6 * 60 * 60;

export interface RestoreDatabaseContext extends Patience {
  topology: Topology;
  database: string;
  wish: RestoreWish;
  account: Account;
  /** All of the primary region. */
  catalog: Catalog;
  backups: DatabaseBackups;
  instances: DatabaseInstances;
  parameters: Pick<Parameters, "move">;
  /** Of the recovery region. */
  replication: BackupReplication;
  print(line: string): void;
}

/** Says what a restore would do, and does none of it. */
export async function planRestoreOfDatabase(context: RestoreDatabaseContext): Promise<DatabaseRestore> {
  const { topology, database, wish, account, catalog, backups } = context;
  const { environment } = topology;
  const known = primaryDatabases(environment).find(({ name }) => name === database);
  if (known === undefined)
    throw new RekindleError(
      "bad-input",
      `${environment.name} has no database ${JSON.stringify(database)}; name one of ${Object.keys(environment.databases).join(", ") || "none"}`,
    );
  if (known.isCluster)
    throw new RekindleError(
      "refused",
      `${database} is a cluster, which is rebuilt with its environment: rekindle plan --region ${catalog.store.region}`,
    );
  await account.demand(environment.account, catalog.store.region);
  await catalog.store.inspect();
  const names = restoreNames(known.identifier, wish);
  // An earlier run may have ended after it had renamed the present one.
  const isKept = (await context.instances.look(names.kept)) !== undefined;
  const present = { ...known, identifier: isKept ? names.kept : known.identifier };
  const [restorable, points] = await Promise.all([backups.restorable([present]), catalog.points()]);
  const planned = planDatabaseRestore({
    database,
    names,
    region: catalog.store.region,
    wish,
    restorable,
    points,
  });
  if (planned.kind === "planned") return planned.restore;
  throw new RekindleError("no-recovery-point", `${database} can't be restored`, { details: planned.reasons });
}

/** What a restore has made. */
export interface RestoredDatabase extends DatabaseRestore {
  /** ARN of the automated backup in the recovery region that follows the instance now. */
  followedBy?: string;
}

/**
 * Brings an instance back beside the one that is there, and then gives it its name: endpoint, policies and snapshots go
 * by that. The present one is kept under another name. Run again, it goes on from where it was ended.
 */
export async function restoreDatabase(context: RestoreDatabaseContext): Promise<RestoredDatabase> {
  const { instances, print } = context;
  const restore = await planRestoreOfDatabase(context);
  const { identifier, aside, kept } = restore;
  const isKept = (await instances.look(kept)) !== undefined;
  if (!isKept) {
    await makeAside(context, restore);
    print(`${aside} is available; it takes the place of ${identifier}, which is kept as ${kept}`);
  }
  if ((await instances.look(aside)) !== undefined) await takePlace(context, restore, isKept);
  else
    print(
      `${identifier} was restored to that moment before, and stays; to do it again, rename ${kept} first`,
    );
  const { endpoint, secretArn } = await withSecret(context, identifier);
  const { name } = context.topology.environment;
  await context.parameters.move(endpointParameter(name, "primary", restore.database), endpoint);
  await context.parameters.move(secretParameter(name, "primary", restore.database), secretArn);
  const followedBy = await follow(context, identifier);
  return { ...restore, ...(followedBy === undefined ? {} : { followedBy }) };
}

export function describeRestore({
  database,
  identifier,
  from,
  takenAt,
  aside,
  kept,
  reasons,
}: DatabaseRestore): string[] {
  return [
    `${database} comes back as of ${takenAt}, ${reasons.join("; ")}`,
    `  from ${describePin(from)}`,
    `  as ${aside}, which becomes ${identifier} when it is available`,
    `  the present ${identifier} is kept as ${kept}`,
  ];
}

/** One that an earlier run has begun is taken over. One that fails here is removed again. */
async function makeAside(context: RestoreDatabaseContext, restore: DatabaseRestore): Promise<void> {
  const { instances } = context;
  const { aside } = restore;
  const undo = new Undo();
  try {
    if ((await instances.look(aside)) === undefined) {
      await instances.restore(restore);
      undo.push(`DB instance ${aside}`, () => instances.remove(aside));
    }
    await available(context, aside);
  } catch (error) {
    const left = await undo.run();
    throw new RekindleError("tool-failed", `${restore.database} was not restored, and is as it was`, {
      cause: error,
      details: [(error as Error).message, ...left],
    });
  }
}

async function takePlace(
  context: RestoreDatabaseContext,
  { identifier, aside, kept }: DatabaseRestore,
  isKept: boolean,
): Promise<void> {
  const { instances } = context;
  try {
    if (!isKept) {
      await unfollow(context, identifier);
      await rename(context, identifier, kept);
    }
    await rename(context, aside, identifier);
  } catch (error) {
    const undo = new Undo();
    undo.push(
      `the replication of ${identifier}'s backups`,
      () => follow(context, identifier),
      "started again",
    );
    undo.push(
      `the name ${identifier}`,
      async () => {
        if ((await instances.look(identifier)) === undefined) await rename(context, kept, identifier);
      },
      "given back",
    );
    const left = await undo.run();
    throw new RekindleError("tool-failed", `${aside} could not become ${identifier}; run it again`, {
      cause: error,
      details: [(error as Error).message, ...left],
    });
  }
}

/**
 * The recovery region goes by an instance, whatever that is called: without this it would go on with the one that is
 * kept, and a plan would take that one's newest second for the newest.
 */
function unfollow(context: RestoreDatabaseContext, identifier: string): Promise<void> {
  return ofReplicated(context, async () => {
    const { replication } = context;
    const { arn } = (await context.instances.look(identifier))!;
    if ((await replication.look(arn)) === undefined) return;
    await replication.stop(arn);
    // RDS ends it after it has answered.
    await waitFor(context, `the end of the replication of ${identifier}'s backups`, limitSeconds, async () =>
      (await replication.look(arn)) === undefined ? { kind: "ready", value: undefined } : { kind: "waiting" },
    );
  });
}

/** Has the recovery region follow the instance that has the name now. */
function follow(context: RestoreDatabaseContext, identifier: string): Promise<string | undefined> {
  const { replication, account } = context;
  return ofReplicated(context, async ({ name, backupRetentionDays }) => {
    const { arn } = (await context.instances.look(identifier))!;
    const key = await account.keyArn(replication.region, keyAlias(name));
    return (await replication.look(arn)) ?? (await replication.start(arn, key, backupRetentionDays));
  });
}

/** A recovery region that does not answer holds up no restore at home; what is left to do there is said. */
async function ofReplicated<T>(
  { topology, database, replication, print }: RestoreDatabaseContext,
  act: (of: { name: string; backupRetentionDays: number }) => Promise<T>,
): Promise<T | undefined> {
  const { name, databases } = topology.environment;
  const described = databases[database]!;
  if (isCluster(described) || !described.replicateBackups) return undefined;
  try {
    return await act({ name, backupRetentionDays: described.backupRetentionDays });
  } catch (error) {
    if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
    print(
      `the replication of ${database}'s backups to ${replication.region} is as it was: ${error.message}; once it answers, stop and start it there for the instance that has the name now`,
    );
    return undefined;
  }
}

/** RDS renames none that it is changing, as it does after the replication of its backups has begun or ended. */
async function rename(context: RestoreDatabaseContext, identifier: string, to: string): Promise<void> {
  await available(context, identifier);
  await context.instances.rename(identifier, to);
  await available(context, to);
}

async function withSecret(context: RestoreDatabaseContext, identifier: string): Promise<LiveInstance> {
  const found = await available(context, identifier);
  if (found.secretArn === "") await context.instances.managePassword(identifier);
  return await waitFor(context, `the secret of ${identifier}`, limitSeconds, async () => {
    const instance = await context.instances.look(identifier);
    return instance?.status === "available" && instance.secretArn !== ""
      ? { kind: "ready", value: instance }
      : { kind: "waiting" };
  });
}

function available(context: RestoreDatabaseContext, identifier: string): Promise<LiveInstance> {
  return waitFor(context, `DB instance ${identifier}`, limitSeconds, async () => {
    const found = await context.instances.look(identifier);
    if (found?.status === "available") return { kind: "ready", value: found };
    // One that was just renamed is not there for a while.
    if (found === undefined || !hopeless.has(found.status)) return { kind: "waiting" };
    return { kind: "failed", reason: `it is ${found.status}` };
  });
}

const hopeless = new Set([
  "failed",
  "incompatible-network",
  "incompatible-option-group",
  "incompatible-parameters",
  "incompatible-restore",
  "inaccessible-encryption-credentials",
  "restore-error",
  "storage-full",
]);
