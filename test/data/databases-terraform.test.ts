import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CopyDBClusterSnapshotCommand,
  CreateDBClusterCommand,
  CreateDBClusterSnapshotCommand,
  DescribeDBClustersCommand,
} from "@aws-sdk/client-rds";
import { expect, it } from "vitest";
import { restoreDatabase } from "../../bootstrap/commands/restore-database.ts";
import { primaryDatabases } from "../../bootstrap/config/databases.ts";
import { keyAlias } from "../../bootstrap/config/names.ts";
import { awsAccount } from "../../bootstrap/edges/aws/account.ts";
import { rdsReplication } from "../../bootstrap/edges/aws/backup-replication.ts";
import { rdsBackups } from "../../bootstrap/edges/aws/database-backups.ts";
import { rdsInstances } from "../../bootstrap/edges/aws/database-instances.ts";
import { ssmParameters } from "../../bootstrap/edges/aws/parameters.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { addressesOf } from "../../bootstrap/edges/terraform-state.ts";
import { nextMoves } from "../../bootstrap/entry/restore-database.ts";
import { sha256 } from "../../bootstrap/release/digest.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import {
  type Arguments,
  account,
  beginningWith,
  clustered,
  ledger,
  type Synthesized,
  synthesize,
} from "../stacks/builder.ts";
import { terraformOn } from "../stacks/terraform.ts";

const sandbox = runningSandbox();
const keys = { accessKeyId: "test", secretAccessKey: "test" };
const database = /^aws_(db_instance(_automated_backups_replication)?|rds_cluster(_instance)?|ssm_parameter)$/;
/** Of these the stack says by which key they are encrypted. */
const encrypted = /^aws_(db_instance|rds_cluster$)/;

/** What a stack says of its database alone, with a key that is there. */
function databaseOf({ terraform, provider, resource }: Synthesized, kms_key_id: string): Synthesized {
  const own = Object.entries(resource).filter(([type]) => database.test(type));
  const kept: [string, Record<string, Arguments>][] = own.map(([type, made]) => [
    type,
    Object.fromEntries(
      Object.entries(made).map(([name, one]) => {
        const { depends_on: _order, db_subnet_group_name: _, vpc_security_group_ids: _groups, ...rest } = one;
        return [name, encrypted.test(type) ? { ...rest, kms_key_id } : rest];
      }),
    ),
  ]);
  return { terraform, provider, resource: Object.fromEntries(kept) };
}

/** The ARN of the environment's key there. */
async function keyIn(region: string): Promise<string> {
  const kms = new KMSClient({ endpoint: sandbox().endpoint, credentials: keys, region });
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  const AliasName = keyAlias("ledger");
  await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata!.KeyId! }));
  return KeyMetadata!.Arn!;
}

/** With all applied that the stack says. */
async function terraformOnSandbox(stack: Synthesized) {
  const terraform = await terraformOn(stack, {
    AWS_ENDPOINT_URL: sandbox().endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  });
  const applied = await terraform("apply", "-auto-approve", "-input=false");
  expect(applied.output).toContain("Apply complete!");
  return terraform;
}

it("a deployment after a database was restored, and the moves that are said then, changes nothing more", {
  timeout: 600_000,
}, async () => {
  const made = ledger();
  const { topology } = made;
  const { primary, recovery } = topology.environment.regions;
  const { endpoint } = sandbox();
  const terraform = await terraformOnSandbox(
    databaseOf(synthesize(made)["primary-stack"], await keyIn(recovery)),
  );

  const access = { endpoint, credentials: keys, stopwatch: new Stopwatch(systemClock) };
  const backups = rdsBackups(access, primary);
  const [window] = await backups.restorable(primaryDatabases(topology.environment));
  const restored = await restoreDatabase({
    topology,
    database: "ledger",
    wish: { kind: "as-of", moment: window!.until },
    account: awsAccount(access),
    catalog: new Catalog(new MemoryStore(primary)),
    backups,
    instances: rdsInstances(access, primary),
    parameters: ssmParameters(access, primary),
    replication: rdsReplication(access, recovery),
    print: () => undefined,
    clock: systemClock,
    stopwatch: access.stopwatch,
    signal: new AbortController().signal,
  });

  const state = new MemoryStore(recovery);
  const pulled = Buffer.from((await terraform("state", "pull")).output);
  await state.create("primary-stack.tfstate", pulled, sha256(pulled));
  const addresses = await addressesOf(state, "primary-stack.tfstate", restored.identifier);
  const moves = nextMoves(topology, restored, addresses);
  expect(moves[0]).toContain("Key=tag:rekindle:environment,Values=ledger Key=tag:rekindle:role,Values=app");
  const said = moves.flatMap((move) => /terraform (.*)$/.exec(move)?.[1] ?? []);
  expect(said).toHaveLength(3);
  for (const move of said) {
    const done = await terraform(...move.split(" ").map((word) => word.replaceAll("'", "")));
    expect(done).toMatchObject({ succeeded: true });
  }
  const again = await terraform("apply", "-auto-approve", "-input=false");
  expect(again.output).toContain("Resources: 0 added, 1 changed, 0 destroyed.");
  expect((await terraform("plan", "-input=false")).output).toContain("No changes.");
});

it("an Aurora cluster is rebuilt in the other region from the copy of its snapshot, and then stays as it is", {
  timeout: 600_000,
}, async () => {
  const made = clustered();
  const { primary, recovery } = made.topology.environment.regions;
  const home = clients(sandbox().endpoint, primary).rds;
  const away = clients(sandbox().endpoint, recovery).rds;
  const key = await keyIn(recovery);
  const snapshot = "of-the-point";
  const source = {
    DBClusterIdentifier: "rekindle-ledger-primary-ledger",
    Engine: "aurora-postgresql",
    EngineVersion: "16.3",
    MasterUsername: "ledger",
    MasterUserPassword: "a password",
    StorageEncrypted: true,
  };
  await home.send(new CreateDBClusterCommand(source));
  const { DBClusterIdentifier } = source;
  await home.send(
    new CreateDBClusterSnapshotCommand({ DBClusterIdentifier, DBClusterSnapshotIdentifier: snapshot }),
  );
  await away.send(
    new CopyDBClusterSnapshotCommand({
      SourceDBClusterSnapshotIdentifier: `arn:aws:rds:${primary}:${account}:cluster-snapshot:${snapshot}`,
      TargetDBClusterSnapshotIdentifier: snapshot,
      KmsKeyId: key,
    }),
  );

  const restored = beginningWith(made, { kind: "snapshot", snapshotId: snapshot });
  const terraform = await terraformOnSandbox(databaseOf(synthesize(restored)["recovery-stack"], key));
  const { DBClusters } = await away.send(new DescribeDBClustersCommand({}));
  expect(DBClusters).toMatchObject([
    { DBClusterIdentifier: "rekindle-ledger-recovery-ledger", StorageEncrypted: true, Engine: source.Engine },
  ]);
  expect(DBClusters![0]!.DBClusterMembers).toHaveLength(2);
  expect((await terraform("plan", "-input=false")).output).toContain("No changes.");
});
