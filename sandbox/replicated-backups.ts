import { randomBytes } from "node:crypto";
import type { Clock } from "../bootstrap/edges/clock.ts";
import type { LostRegions } from "./lost-regions.ts";
import { xmlField } from "./xml-text.ts";

/** An instance's automated backup as another region keeps it. */
export interface ReplicatedBackup {
  arn: string;
  /** Which keeps it. */
  region: string;
  source: { region: string; arn: string; identifier: string };
  keyId: string;
  retentionDays: string;
  /** What RDS said of the instance when its replication began. */
  instance: string;
  isStopped: boolean;
  /** To which moments it can be restored; nothing before it has arrived for the first time. */
  window?: Window;
}

export interface Window {
  from: Date;
  to: Date;
}

/** As a restore's moment is compared with it. */
export function windowOf({ window }: ReplicatedBackup): { from: Date | undefined; to: Date } {
  return window ?? { from: undefined, to: new Date(0) };
}

/** What an engine adds to the rows: the data, which is copied, and really is as old as the window says. */
export interface BackupData {
  /** Whether the instance has a body. */
  has(region: string, identifier: string): Promise<boolean>;
  /** To which moments it can be restored in its own region. */
  window(region: string, identifier: string): Promise<Window | undefined>;
  /** Brings what another region keeps up to date; nothing when the instance can't be read now. */
  carry(backup: ReplicatedBackup): Promise<Window | undefined>;
  drop(backup: ReplicatedBackup): Promise<void>;
}

/** RDS does it every five minutes. */
const betweenRoundsMs = 5_000;

/** The automated backups that regions keep for each other, and what brings them up to date, every few seconds. */
export class ReplicatedBackups {
  data: BackupData | undefined;
  readonly #clock: Clock;
  readonly #lost: LostRegions;
  readonly #note: (line: string) => void;
  readonly #kept = new Map<string, ReplicatedBackup>();

  constructor(clock: Clock, lost: LostRegions, note: (line: string) => void) {
    this.#clock = clock;
    this.#lost = lost;
    this.#note = note;
  }

  of(region: string): ReplicatedBackup[] {
    return [...this.#kept.values()].filter((backup) => backup.region === region);
  }

  get(arn: string): ReplicatedBackup | undefined {
    return this.#kept.get(arn);
  }

  start(
    parts: Pick<ReplicatedBackup, "region" | "source" | "keyId" | "retentionDays" | "instance">,
  ): ReplicatedBackup {
    const [partition, account] = [parts.source.arn.split(":")[1], parts.source.arn.split(":")[4]];
    const arn = `arn:${partition}:rds:${parts.region}:${account}:auto-backup:ab-${randomBytes(12).toString("hex")}`;
    const backup: ReplicatedBackup = { ...parts, arn, isStopped: false };
    this.#kept.set(arn, backup);
    void this.#follow(backup);
    return backup;
  }

  async remove(arn: string): Promise<void> {
    const backup = this.#kept.get(arn);
    this.#kept.delete(arn);
    if (backup !== undefined) await this.data?.drop(backup);
  }

  reset(): void {
    this.#kept.clear();
  }

  async #follow(backup: ReplicatedBackup): Promise<void> {
    while (this.#kept.has(backup.arn) && !backup.isStopped) {
      await this.#bringUpToDate(backup);
      await this.#clock.sleep(betweenRoundsMs);
    }
  }

  async #bringUpToDate(backup: ReplicatedBackup): Promise<void> {
    const { region, identifier } = backup.source;
    const isCut = () => backup.isStopped || this.#lost.firstOf([region, backup.region]) !== undefined;
    if (isCut()) return;
    try {
      const hasBody = await this.data?.has(region, identifier);
      const window = hasBody ? await this.data!.carry(backup) : this.#windowOfRow(backup);
      // What was under way when the region was lost never arrived.
      if (window !== undefined && !isCut()) backup.window = window;
      if (!this.#kept.has(backup.arn)) await this.data?.drop(backup);
    } catch (error) {
      this.#note(
        `the automated backup of ${identifier} did not reach ${backup.region}: ${(error as Error).message}`,
      );
    }
  }

  /** An instance without a body has nothing that could be late. */
  #windowOfRow({ instance }: ReplicatedBackup): Window {
    return { from: new Date(xmlField(instance, "InstanceCreateTime")), to: this.#clock.now() };
  }
}
