import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import { Refusal } from "./refusal.ts";
import type { ReplicatedBackup, ReplicatedBackups, Window } from "./replicated-backups.ts";
import { xmlField } from "./xml-text.ts";

const Version = "2014-10-31";

/** What of an instance its automated backup tells too. */
const told = [
  "DbiResourceId",
  "DBInstanceIdentifier",
  "DBInstanceArn",
  "AllocatedStorage",
  "Port",
  "MasterUsername",
  "Engine",
  "EngineVersion",
  "StorageType",
  "InstanceCreateTime",
];

/** The automated backups of a region, its own and those that it keeps for others, as far as a request asks for them. */
export async function describeBackups(
  backups: ReplicatedBackups,
  region: string,
  form: URLSearchParams,
  emulator: Emulator,
): Promise<string[]> {
  const own = await ownBackups(backups, region, emulator);
  const kept = await Promise.all(
    backups.of(region).map(async (backup) => writtenBackup(backup, await statusOf(backup, emulator))),
  );
  const wanted = (
    ["DBInstanceIdentifier", "DBInstanceAutomatedBackupsArn", "DbiResourceId"] as const
  ).flatMap((name) => (form.get(name) === null ? [] : [{ name, value: form.get(name)! }]));
  const found = [...own, ...kept].filter((xml) =>
    wanted.every(({ name, value }) => xmlField(xml, name) === value),
  );
  const arn = form.get("DBInstanceAutomatedBackupsArn");
  if (found.length === 0 && arn !== null)
    throw new Refusal("DBInstanceAutomatedBackupNotFound", `there is no automated backup ${arn}`);
  return found;
}

/** One that another region keeps, in RDS's words. */
export function writtenBackup(backup: ReplicatedBackup, Status: string): string {
  const { arn, instance, keyId, retentionDays, source, window } = backup;
  return write(instance, window, {
    Region: source.region,
    Status,
    KmsKeyId: keyId,
    Encrypted: "true",
    BackupRetentionPeriod: retentionDays,
    DBInstanceAutomatedBackupsArn: arn,
  });
}

async function statusOf(
  { window, isStopped, source }: ReplicatedBackup,
  emulator: Emulator,
): Promise<string> {
  if (isStopped) return "retained";
  const instances = await listedInstances(emulator, source.region);
  const isThere = instances.some((xml) => xmlField(xml, "DBInstanceIdentifier") === source.identifier);
  if (!isThere) return "retained";
  return window === undefined ? "pending" : "replicating";
}

/** Of instances that are there; what deleted ones left is known by their snapshots alone. */
async function ownBackups(backups: ReplicatedBackups, region: string, emulator: Emulator): Promise<string[]> {
  const instances = await listedInstances(emulator, region);
  const there = instances.map((xml) => xmlField(xml, "DBInstanceIdentifier"));
  const active = instances.filter((xml) => Number(xmlField(xml, "BackupRetentionPeriod")) > 0);
  const asked = { Action: "DescribeDBSnapshots", Version, SnapshotType: "automated" };
  const snapshots = await callQueryService(emulator, "rds", region, asked);
  const left = new Map(
    [...snapshots.matchAll(/<DBSnapshot>(.*?)<\/DBSnapshot>/gs)]
      .map(([, xml]) => [xmlField(xml!, "DBInstanceIdentifier"), xml!] as const)
      .filter(([identifier]) => !there.includes(identifier)),
  );
  return [
    ...(await Promise.all(
      active.map(async (xml) =>
        write(xml, await ownWindow(backups, region, xml), ownFields(region, xml, "active")),
      ),
    )),
    ...[...left.values()].map((xml) => write(xml, undefined, ownFields(region, xml, "retained"))),
  ];
}

async function ownWindow(
  { data }: ReplicatedBackups,
  region: string,
  xml: string,
): Promise<Window | undefined> {
  const identifier = xmlField(xml, "DBInstanceIdentifier");
  if (await data?.has(region, identifier)) return await data!.window(region, identifier);
  return {
    from: new Date(xmlField(xml, "InstanceCreateTime")),
    to: new Date(xmlField(xml, "LatestRestorableTime")),
  };
}

function ownFields(region: string, xml: string, Status: string): Record<string, string> {
  return {
    Region: region,
    Status,
    KmsKeyId: xmlField(xml, "KmsKeyId"),
    Encrypted: xmlField(xml, "StorageEncrypted") || "false",
    BackupRetentionPeriod: xmlField(xml, "BackupRetentionPeriod") || "0",
  };
}

/** All of a region but the members of clusters. */
export async function listedInstances(emulator: Emulator, region: string): Promise<string[]> {
  const xml = await callQueryService(emulator, "rds", region, { Action: "DescribeDBInstances", Version });
  return [...xml.matchAll(/<DBInstance>(.*?)<\/DBInstance>/gs)]
    .map(([, instance]) => instance!)
    .filter((instance) => xmlField(instance, "DBClusterIdentifier") === "");
}

function write(instance: string, window: Window | undefined, fields: Record<string, string>): string {
  const elements = [...told.map((name) => [name, xmlField(instance, name)]), ...Object.entries(fields)];
  const moments =
    window &&
    `<RestoreWindow><EarliestTime>${window.from.toISOString()}</EarliestTime><LatestTime>${window.to.toISOString()}</LatestTime></RestoreWindow>`;
  return `<DBInstanceAutomatedBackup>${elements
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join("")}${moments ?? ""}</DBInstanceAutomatedBackup>`;
}
