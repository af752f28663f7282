import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { describeBackups, listedInstances, writtenBackup } from "./automated-backups.ts";
import { restoreTime } from "./bodies/rds/restore-time.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import { Refusal } from "./refusal.ts";
import { type ReplicatedBackups, windowOf } from "./replicated-backups.ts";
import { forwardRestore, replicatedSource } from "./restore-of-replicated.ts";
import type { StandIn } from "./stand-in.ts";
import { xmlField } from "./xml-text.ts";

const Version = "2014-10-31";

/** Stands in for what RDS does with automated backups: keeps them in another region, tells of them, and deletes them. */
export class AutomatedBackupsStandIn implements StandIn {
  readonly #backups: ReplicatedBackups;

  constructor(backups: ReplicatedBackups) {
    this.#backups = backups;
  }

  async answer(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
    const { service, action, region, form } = request;
    if (service !== "rds") return undefined;
    switch (action) {
      case "StartDBInstanceAutomatedBackupsReplication":
        return written(action, await this.#start(region, form, emulator));
      case "StopDBInstanceAutomatedBackupsReplication":
        return written(action, this.#stop(region, form));
      case "DescribeDBInstanceAutomatedBackups": {
        const all = await describeBackups(this.#backups, region, form, emulator);
        const list = `<DBInstanceAutomatedBackups>${all.join("")}</DBInstanceAutomatedBackups>`;
        return written(action, list);
      }
      case "DeleteDBInstanceAutomatedBackup":
        return written(action, await this.#delete(region, form, emulator));
      case "RestoreDBInstanceToPointInTime": {
        const backup = replicatedSource(this.#backups, region, form);
        if (backup === undefined) return await restoreOwn(request, emulator);
        restoreTime(form, windowOf(backup));
        return await forwardRestore(request, backup, emulator);
      }
      default:
        return undefined;
    }
  }

  async after(): Promise<void> {}

  reset(): void {
    this.#backups.reset();
  }

  async #start(region: string, form: URLSearchParams, emulator: Emulator): Promise<string> {
    const arn = form.get("SourceDBInstanceArn") ?? "";
    const [, sourceRegion, identifier] = /^arn:[^:]+:rds:([^:]+):[^:]*:db:(.+)$/.exec(arn) ?? [];
    if (sourceRegion === undefined || identifier === undefined)
      throw new Refusal("InvalidParameterValue", `${JSON.stringify(arn)} is no ARN of a DB instance`);
    if (this.#backups.of(region).some(({ source, isStopped }) => source.arn === arn && !isStopped))
      throw new Refusal("InvalidDBInstanceState", `${arn} is replicating to ${region} already`);
    const asked = { Action: "DescribeDBInstances", Version, DBInstanceIdentifier: identifier };
    const instance = await callQueryService(emulator, "rds", sourceRegion, asked);
    const days = xmlField(instance, "BackupRetentionPeriod");
    if (Number(days) === 0)
      throw new Refusal("InvalidDBInstanceState", `${arn} has no automated backups: it keeps none`);
    const backup = this.#backups.start({
      region,
      source: { region: sourceRegion, arn, identifier },
      keyId: form.get("KmsKeyId") ?? "",
      retentionDays: form.get("BackupRetentionPeriod") ?? days,
      instance,
    });
    return writtenBackup(backup, "pending");
  }

  /** What is there by then stays, until it expires or is deleted. */
  #stop(region: string, form: URLSearchParams): string {
    const arn = form.get("SourceDBInstanceArn");
    const backup = this.#backups.of(region).find(({ source, isStopped }) => source.arn === arn && !isStopped);
    if (backup === undefined)
      throw new Refusal("InvalidDBInstanceState", `${arn} isn't replicating to region ${region}`);
    backup.isStopped = true;
    return writtenBackup(backup, "retained");
  }

  async #delete(region: string, form: URLSearchParams, emulator: Emulator): Promise<string> {
    const arn = form.get("DBInstanceAutomatedBackupsArn");
    if (arn === null) return await deleteOwn(region, form.get("DbiResourceId") ?? "", emulator);
    const backup = this.#backups.get(arn);
    if (backup?.region !== region)
      throw new Refusal("DBInstanceAutomatedBackupNotFound", `there is no automated backup ${arn}`);
    await this.#backups.remove(arn);
    return writtenBackup(backup, "deleting");
  }
}

/** Of an instance that is there: what the emulator would make of it by itself is a replica of its source. */
async function restoreOwn(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
  const source = request.form.get("SourceDBInstanceIdentifier");
  const found = (await listedInstances(emulator, request.region)).find(
    (xml) => xmlField(xml, "DBInstanceIdentifier") === source,
  );
  // The emulator refuses in its own words.
  if (found === undefined) return undefined;
  return await forwardRestore(request, { instance: found, keyId: xmlField(found, "KmsKeyId") }, emulator);
}

/** What a deleted DB instance left in its own region goes away: the emulator keeps it as snapshots. */
async function deleteOwn(region: string, resource: string, emulator: Emulator): Promise<string> {
  const call = (Action: string, parameters: Record<string, string> = {}) =>
    callQueryService(emulator, "rds", region, { Action, Version, ...parameters });
  const instances = await call("DescribeDBInstances");
  const snapshots = await call("DescribeDBSnapshots", { SnapshotType: "automated" });
  for (const [, snapshot] of snapshots.matchAll(/<DBSnapshot>(.*?)<\/DBSnapshot>/gs)) {
    if (xmlField(snapshot!, "DbiResourceId") !== resource) continue;
    // The emulator gives all instances one resource id: those that live keep theirs.
    const instance = xmlField(snapshot!, "DBInstanceIdentifier");
    if (instances.includes(`<DBInstanceIdentifier>${instance}</DBInstanceIdentifier>`)) continue;
    await call("DeleteDBSnapshot", { DBSnapshotIdentifier: xmlField(snapshot!, "DBSnapshotIdentifier") });
  }
  return `<DBInstanceAutomatedBackup><DbiResourceId>${resource}</DbiResourceId><Status>deleting</Status></DBInstanceAutomatedBackup>`;
}

function written(action: string, result: string): Answer {
  const body =
    `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/">` +
    `<${action}Result>${result}</${action}Result></${action}Response>`;
  return { status: 200, headers: ["Content-Type", "text/xml"], body: Buffer.from(body) };
}
