import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { withForm } from "./corrections.ts";
import type { Emulator } from "./emulator.ts";
import { forward } from "./forward.ts";
import { Refusal } from "./refusal.ts";
import type { ReplicatedBackup, ReplicatedBackups } from "./replicated-backups.ts";
import { xmlField } from "./xml-text.ts";

const action = "RestoreDBInstanceToPointInTime";
const ofRestoring = /^(Source\w+|RestoreTime|UseLatestRestorableTime|TargetDBInstanceIdentifier)$/;
/** What a restored instance has from its source, unless the request says otherwise. */
const inherited = [
  "Engine",
  "EngineVersion",
  "AllocatedStorage",
  "StorageType",
  "DBInstanceClass",
  "MasterUsername",
  "DBName",
  "BackupRetentionPeriod",
];

/** The backup of another region that a restore names; nothing when it names none. */
export function replicatedSource(
  backups: ReplicatedBackups,
  region: string,
  form: URLSearchParams,
): ReplicatedBackup | undefined {
  const arn = form.get("SourceDBInstanceAutomatedBackupsArn");
  if (arn === null) return undefined;
  const backup = backups.get(arn);
  if (backup?.region === region) return backup;
  throw new Refusal("DBInstanceAutomatedBackupNotFound", `there is no automated backup ${arn} in ${region}`);
}

/** The emulator restores nothing from another region's backup: it makes an instance as RDS would describe it. */
export async function forwardRestore(
  request: ApiRequest,
  { instance, keyId }: Pick<ReplicatedBackup, "instance" | "keyId">,
  emulator: Emulator,
): Promise<Answer> {
  const form = new URLSearchParams([...request.form].filter(([name]) => !ofRestoring.test(name)));
  form.set("Action", "CreateDBInstance");
  form.set("DBInstanceIdentifier", request.form.get("TargetDBInstanceIdentifier") ?? "");
  for (const name of inherited) {
    const value = xmlField(instance, name);
    if (value !== "" && !form.has(name)) form.set(name, value);
  }
  if (keyId !== "") {
    form.set("StorageEncrypted", "true");
    form.set("KmsKeyId", keyId);
  }
  // It keeps its own, which nobody but its data knows.
  if (form.get("ManageMasterUserPassword") !== "true") form.set("MasterUserPassword", "as it was before");
  const answer = await forward(emulator, withForm(request, form));
  const body = answer.body.toString().replaceAll(/CreateDBInstance(Response|Result)>/g, `${action}$1>`);
  return { ...answer, body: Buffer.from(body.replace("<CreateDBInstanceResponse ", `<${action}Response `)) };
}
