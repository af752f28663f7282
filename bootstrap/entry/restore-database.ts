import {
  describeRestore,
  planRestoreOfDatabase,
  type RestoreDatabaseContext,
  type RestoredDatabase,
  restoreDatabase,
} from "../commands/restore-database.ts";
import { tags } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { rdsReplication } from "../edges/aws/backup-replication.ts";
import { rdsInstances } from "../edges/aws/database-instances.ts";
import { ssmParameters } from "../edges/aws/parameters.ts";
import { connectCloud } from "../edges/cloud.ts";
import { addressesOf } from "../edges/terraform-state.ts";
import { RekindleError } from "../errors.ts";
import type { Wish } from "../recovery/choose.ts";
import type { RestoreWish } from "../recovery/database-restore.ts";
import { answer, type Options, say } from "./answer.ts";
import { environmentName, topologyOf } from "./project.ts";
import { awsAccessOfShell, running } from "./shell.ts";
import { wishOf } from "./wish.ts";

/** `rekindle restore rds`: an RDS instance of the primary as it was, in its own place. */
export async function restoreDatabaseCommand(
  database: string,
  options: Options & { asOf?: string; point?: string; dryRun?: boolean },
): Promise<void> {
  const wish = demandPast(wishOf(options));
  const topology = await topologyOf(environmentName(options.env));
  const run = running();
  const access = awsAccessOfShell(run);
  const { account, primary, recovery, state } = connectCloud(access, topology);
  const context: RestoreDatabaseContext = {
    ...run,
    topology,
    database,
    wish,
    account,
    catalog: primary.catalog,
    backups: primary.backups,
    instances: rdsInstances(access, primary.region),
    parameters: ssmParameters(access, primary.region),
    replication: rdsReplication(access, recovery.region),
    print: say(options),
  };
  if (options.dryRun) {
    const planned = await planRestoreOfDatabase(context);
    return answer(options, { ...planned, done: false }, [...describeRestore(planned), "nothing was changed"]);
  }
  const restored = await restoreDatabase(context);
  const addresses = await addressesOf(state, "primary-stack.tfstate", restored.identifier).catch(unreachable);
  const next = nextMoves(topology, restored, addresses);
  answer(options, { ...restored, done: true, next }, [
    ...describeRestore(restored),
    "done; what is left to do:",
    ...next.map((move) => `  ${move}`),
  ]);
}

/** Servers learn the new password when they boot; Terraform still knows the instance that was there. */
export function nextMoves(
  { environment }: Topology,
  { database, identifier, followedBy }: Pick<RestoredDatabase, "database" | "identifier" | "followedBy">,
  addresses: readonly string[] | undefined,
): string[] {
  const taken: Record<string, string | undefined> = {
    aws_db_instance: identifier,
    aws_db_instance_automated_backups_replication: followedBy,
  };
  const imports = addresses?.flatMap((address) => {
    const id = taken[address.split(".")[0]!];
    return id === undefined ? [] : [`and then: terraform import '${address}' ${id}`];
  });
  const onServers =
    `aws ssm send-command --region ${environment.regions.primary} --document-name AWS-RunShellScript ` +
    `--parameters commands=rekindle-boot --targets Key=tag:${tags.environment},Values=${environment.name} ` +
    `Key=tag:${tags.role},Values=${environment.databases[database]!.clients.join(",")}`;
  if (addresses === undefined || imports === undefined)
    return [
      onServers,
      "Terraform's state does not answer; once it does, run this again to hear what to tell Terraform",
    ];
  if (imports.length === 0) return [onServers];
  return [
    onServers,
    `in cdktf.out/stacks/primary-stack: terraform state rm ${addresses.map((address) => `'${address}'`).join(" ")}`,
    ...imports,
    "and then: npx cdktf deploy primary-stack",
    "and take a recovery point: rekindle snapshot",
  ];
}

/** The state is in the recovery region, which may be the one that is lost; the restore is done without it. */
function unreachable(error: unknown): undefined {
  if (!(error instanceof RekindleError) || error.kind !== "unreachable") throw error;
}

/** The newest state is what there is. */
function demandPast(wish: Wish): RestoreWish {
  if (wish.kind !== "newest") return wish;
  throw new RekindleError(
    "bad-input",
    "say which state is wanted back: --as-of 2026-11-24T03:00:00Z, or --point <id>",
  );
}
