import type { BackupData, ReplicatedBackup, Window } from "../../replicated-backups.ts";
import type { Disk } from "../engine.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import type { Databases } from "./databases.ts";

/** The data of one backup that another region keeps: the first backup's volume, and the log that goes on from it. */
interface Kept {
  databases: Databases;
  base: Disk;
  log: Disk;
}

/**
 * The data of automated backups in other regions. It is copied there while its instance runs, and never read from the
 * instance's own region afterwards: a region that is lost takes none of it along.
 */
export class ReplicatedData implements BackupData {
  readonly #regionOf: (region: string) => Promise<Databases>;
  readonly #turn = new OneAtATime();
  readonly #kept = new Map<string, Kept>();

  constructor(regionOf: (region: string) => Promise<Databases>) {
    this.#regionOf = regionOf;
  }

  async has(region: string, identifier: string): Promise<boolean> {
    return (await this.#regionOf(region)).get(identifier) !== undefined;
  }

  async window(region: string, identifier: string): Promise<Window | undefined> {
    const databases = await this.#regionOf(region);
    const source = databases.get(identifier);
    if (source?.backup === undefined) return undefined;
    return { from: source.backup.at, to: source.stoppedAt ?? databases.clock.now() };
  }

  async carry({
    arn,
    region,
    source: { region: home, identifier },
  }: ReplicatedBackup): Promise<Window | undefined> {
    const [from, to] = [await this.#regionOf(home), await this.#regionOf(region)];
    const source = from.get(identifier);
    if (source?.backup === undefined || source.database.status !== "available") return undefined;
    const { snapshot, at } = source.backup;
    const now = from.clock.now();
    const log = await source.database.log(now.toISOString());
    try {
      await this.#turn.run(async () => {
        const known = this.#kept.get(arn);
        const base = known?.base ?? (await to.engine.copy(from.snapshot(snapshot)));
        this.#kept.set(arn, { databases: to, base, log: await to.engine.copy(log) });
        if (known !== undefined) await to.engine.remove(known.log);
      });
    } finally {
      await from.engine.remove(log);
    }
    return { from: at, to: now };
  }

  /** Volumes to restore from. */
  async volumes(backup: ReplicatedBackup, sizeGiB: number): Promise<{ data: Disk; restored: Disk }> {
    return await this.#turn.run(async () => {
      const kept = this.#kept.get(backup.arn);
      if (kept === undefined) throw new Error(`no data of ${backup.arn} has arrived in ${backup.region}`);
      const { engine } = kept.databases;
      return {
        data: await engine.volumeFrom(kept.base, sizeGiB),
        restored: await engine.volumeFrom(kept.log, 1),
      };
    });
  }

  async drop({ arn }: Pick<ReplicatedBackup, "arn">): Promise<void> {
    await this.#turn.run(async () => {
      const kept = this.#kept.get(arn);
      this.#kept.delete(arn);
      if (kept === undefined) return;
      for (const disk of [kept.base, kept.log]) await kept.databases.engine.remove(disk);
    });
  }

  async clear(): Promise<void> {
    for (const arn of [...this.#kept.keys()]) await this.drop({ arn });
  }
}
