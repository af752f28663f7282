import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { DescribeDBInstancesCommand } from "@aws-sdk/client-rds";
import { expect, it } from "vitest";
import { restoreDatabase } from "../../bootstrap/commands/restore-database.ts";
import { awsAccount } from "../../bootstrap/edges/aws/account.ts";
import { rdsBackups } from "../../bootstrap/edges/aws/database-backups.ts";
import { rdsInstances } from "../../bootstrap/edges/aws/database-instances.ts";
import { ssmParameters } from "../../bootstrap/edges/aws/parameters.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import type { Pins } from "../../bootstrap/recovery/pins.ts";
import { MemoryStore } from "../fakes/memory-store.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { ledger, type Synthesized, synthesize } from "../stacks/builder.ts";
import { terraformOn } from "../stacks/terraform.ts";

const sandbox = runningSandbox();
const [home, away] = ["eu-central-1", "eu-west-1"] as const;
const credentials = { accessKeyId: "test", secretAccessKey: "test" };

async function aKey(region: string): Promise<string> {
  const kms = new KMSClient({ endpoint: sandbox().endpoint, region, credentials });
  return (await kms.send(new CreateKeyCommand({}))).KeyMetadata!.Arn!;
}

/** Terraform's address of the only resource of a type, or of the one whose address says more. */
function address(stack: Synthesized, type: string, more = ""): string {
  return `${type}.${Object.keys(stack.resource[type]!).find((name) => name.includes(more))}`;
}

/** By the real provider: what `restore rds` says is left to do leads to a stack that has nothing to replace. */
it("a database that was restored in its own place becomes Terraform's again by removing and importing it", {
  timeout: 600_000,
}, async () => {
  const input = ledger();
  if (input.primary.kind === "refused") throw new Error("the primary is refused");
  const backupsTo = { region: away, encryptionKey: await aKey(away) };
  const pins: Pins = { ...input.primary.pins, encryptionKey: await aKey(home), backupsTo };
  const stack = synthesize({ ...input, primary: { kind: "pinned", pins } })["primary-stack"];
  const terraform = await terraformOn(stack, {
    AWS_ENDPOINT_URL: sandbox().endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  const instance = address(stack, "aws_db_instance");
  const replication = address(stack, "aws_db_instance_automated_backups_replication");
  const targets = [
    replication,
    ...["endpoint", "secret"].map((name) => address(stack, "aws_ssm_parameter", name)),
  ].map((one) => `-target=${one}`);
  const applied = await terraform("apply", "-auto-approve", "-input=false", ...targets);
  expect(applied.output).toContain("Apply complete!");

  const { rds } = clients(sandbox().endpoint, home);
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  const restored = await restoreDatabase({
    topology: input.topology,
    database: "ledger",
    wish: { kind: "as-of", moment: new Date(systemClock.now().getTime() - 1_000).toISOString() },
    account: awsAccount(access),
    catalog: new Catalog(new MemoryStore(home)),
    backups: rdsBackups(access, home),
    instances: rdsInstances(access, home),
    parameters: ssmParameters(access, home),
    print: () => undefined,
    clock: systemClock,
    stopwatch: access.stopwatch,
    signal: new AbortController().signal,
  });
  const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({}));
  expect(DBInstances!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier).sort()).toEqual(
    [restored.identifier, restored.kept].sort(),
  );

  // The provider finds instances by their resource ids, and the emulator gives all of them one.
  await rdsInstances(access, home).remove(restored.kept);
  const removed = await terraform("state", "rm", instance, replication);
  expect(removed.output).toContain("Successfully removed 2 resource instance(s)");
  const imported = await terraform("import", "-input=false", instance, restored.identifier);
  expect(imported.output).toContain("Import successful!");
  const again = await terraform("apply", "-auto-approve", "-input=false", ...targets);
  expect(again.output).toMatch(/Apply complete! Resources: 1 added, \d changed, 0 destroyed/);
  const after = await rds.send(new DescribeDBInstancesCommand({}));
  expect(after.DBInstances!.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)).toEqual([
    restored.identifier,
  ]);
});
