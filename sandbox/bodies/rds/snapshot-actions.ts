import { DeleteDBSnapshotCommand } from "@aws-sdk/client-rds";
import { type Call, demandStatus, snapshotName } from "./actions.ts";
import type { Databases } from "./databases.ts";

export const snapshotActions = {
  async CreateDBSnapshot({ databases, form, forward }: Call) {
    const instance = form.get("DBInstanceIdentifier") ?? "";
    const kept = databases.get(instance);
    if (kept !== undefined) demandStatus(instance, kept.database.status, "available", "stopped");
    await forward();
    if (kept === undefined) return;
    const snapshot = form.get("DBSnapshotIdentifier")!;
    await undoing(databases, snapshot, async () => databases.keep(snapshot, await kept.database.snapshot()));
  },

  async CopyDBSnapshot({ databases, form, forward, regionOf }: Call) {
    const said = await forward();
    if (!said.includes("<Engine>postgres</Engine>")) return;
    const { name, region } = snapshotName(form.get("SourceDBSnapshotIdentifier")!);
    const target = form.get("TargetDBSnapshotIdentifier")!;
    await undoing(databases, target, async () => {
      const source = region === undefined ? databases : await regionOf(region);
      databases.keep(target, await databases.engine.copy(source.snapshot(name)));
    });
  },

  /** Its data goes with what RDS has no more. */
  DeleteDBSnapshot: ({ forward }: Call) => forward(),
};

/** Does the part of a call that the emulator did not; when it fails, the snapshot that the emulator made goes again. */
async function undoing({ emulated }: Databases, snapshot: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await emulated.rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: snapshot }));
    throw error;
  }
}
