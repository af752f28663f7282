import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import type { StandIn } from "./stand-in.ts";

const Version = "2014-10-31";

/** Stands in for DeleteDBInstanceAutomatedBackup, which the emulator lacks: what a deleted DB instance left goes away. */
export const automatedBackupsStandIn: StandIn = {
  after: async () => undefined,
  reset: () => undefined,
  async answer({ service, action, region, form }: ApiRequest, emulator: Emulator) {
    if (service !== "rds" || action !== "DeleteDBInstanceAutomatedBackup") return undefined;
    const DbiResourceId = form.get("DbiResourceId") ?? "";
    const call = (Action: string, parameters: Record<string, string> = {}) =>
      callQueryService(emulator, service, region, { Action, Version, ...parameters });
    const instances = await call("DescribeDBInstances");
    const snapshots = await call("DescribeDBSnapshots", { SnapshotType: "automated" });
    for (const [, snapshot] of snapshots.matchAll(/<DBSnapshot>(.*?)<\/DBSnapshot>/gs)) {
      if (field(snapshot!, "DbiResourceId") !== DbiResourceId) continue;
      // The emulator gives all instances one resource id: those that live keep theirs.
      const instance = field(snapshot!, "DBInstanceIdentifier");
      if (instances.includes(`<DBInstanceIdentifier>${instance}</DBInstanceIdentifier>`)) continue;
      await call("DeleteDBSnapshot", { DBSnapshotIdentifier: field(snapshot!, "DBSnapshotIdentifier") });
    }
    return deleted(DbiResourceId);
  },
};

function field(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

function deleted(resource: string): Answer {
  const body =
    '<DeleteDBInstanceAutomatedBackupResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">' +
    "<DeleteDBInstanceAutomatedBackupResult><DBInstanceAutomatedBackup>" +
    `<DbiResourceId>${resource}</DbiResourceId><Status>deleting</Status>` +
    "</DBInstanceAutomatedBackup></DeleteDBInstanceAutomatedBackupResult>" +
    "</DeleteDBInstanceAutomatedBackupResponse>";
  return { status: 200, headers: ["Content-Type", "text/xml"], body: Buffer.from(body) };
}
