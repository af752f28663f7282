import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type DBInstance,
  DescribeDBInstancesCommand,
  paginateDescribeDBSnapshots,
} from "@aws-sdk/client-rds";
import type { Clock } from "../../../bootstrap/edges/clock.ts";
import { Refusal } from "../../refusal.ts";
import type { EmulatedRegion } from "../emulated-region.ts";
import type { Disk, EngineRegion } from "../engine.ts";
import type { Resident } from "../metadata.ts";
import { type Beginning, Database } from "./database.ts";
import type { Known } from "./described.ts";
import type { DatabaseImages } from "./images.ts";
import { takeAddress } from "./network-address.ts";

export interface DatabasesOptions {
  engine: EngineRegion;
  base(): Promise<Disk>;
  images: DatabaseImages;
  emulated: EmulatedRegion;
  consoleFolder: string;
  clock: Clock;
  note(line: string): void;
}

/** A database, with what only its region knows of it. */
interface Kept {
  database: Database;
  release(): Promise<void>;
  /** The automated backup that the archived log goes on from, and when it was taken. */
  backup?: { snapshot: string; at: Date };
  /** Since when it is stopped. */
  stoppedAt?: Date;
}

/** The PostgreSQL servers of one region's RDS instances, and the data of its DB snapshots, by their names in RDS. */
export class Databases {
  readonly emulated: EmulatedRegion;
  readonly engine: EngineRegion;
  readonly clock: Clock;
  readonly #options: DatabasesOptions;
  readonly #kept = new Map<string, Kept>();
  readonly #snapshots = new Map<string, Disk>();
  readonly #residents = new Map<string, Resident>();
  /** What goes on although the call that began it was answered. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(options: DatabasesOptions) {
    this.emulated = options.emulated;
    this.engine = options.engine;
    this.clock = options.clock;
    this.#options = options;
  }

  get(identifier: string): Kept | undefined {
    return this.#kept.get(identifier.toLowerCase());
  }

  /** The address of an endpoint's name. */
  resolve(name: string): string | undefined {
    return [...this.#kept.values()].find(({ database }) => database.endpoint.name === name)?.database.address;
  }

  byAddress(address: string): Resident | undefined {
    return this.#residents.get(address);
  }

  /** What is to be told of an instance beyond what the emulator says. */
  readonly known = (identifier: string): Known | undefined => {
    const kept = this.get(identifier);
    if (kept === undefined) return undefined;
    const restorable = kept.backup && (kept.stoppedAt ?? "now");
    return { status: kept.database.status, restorable };
  };

  /** What RDS says of an instance. */
  async described(identifier: string): Promise<DBInstance> {
    const asked = new DescribeDBInstancesCommand({ DBInstanceIdentifier: identifier });
    return (await this.emulated.rds.send(asked)).DBInstances![0]!;
  }

  /** Begins a database; it is `creating` until it serves. */
  async make(instance: DBInstance, beginning: Omit<Beginning, "keepBackup">): Promise<void> {
    const { engine, consoleFolder, note } = this.#options;
    const identifier = instance.DBInstanceIdentifier!;
    const { address, release } = await takeAddress(this.emulated.ec2, instance);
    await mkdir(consoleFolder, { recursive: true });
    const machine = { id: instanceId(), address, consoleFile: join(consoleFolder, `${identifier}.log`) };
    const database = new Database({
      engine,
      machine,
      image: async () => {
        const image = await this.#image(address, identifier);
        this.#admit({
          instance: { InstanceId: machine.id, PrivateIpAddress: address },
          userData: Buffer.alloc(0),
        });
        return image;
      },
      endpoint: { name: instance.Endpoint!.Address!, port: instance.Endpoint!.Port! },
      failed: (reason) => note(`the database ${identifier} in ${this.emulated.region} failed: ${reason}`),
    });
    this.#kept.set(identifier, { database, release });
    this.goOn(
      database.begin({
        ...beginning,
        ...(instance.BackupRetentionPeriod === 0
          ? {}
          : { keepBackup: (disk) => this.keepBackup(identifier, disk) }),
      }),
    );
  }

  /** Work whose call is answered before it is done. */
  goOn(work: Promise<unknown>): void {
    this.#underWay.add(work);
    void work
      .catch((error: Error) => this.#options.note(error.message))
      .then(() => this.#underWay.delete(work));
  }

  async remove(identifier: string): Promise<void> {
    const kept = this.get(identifier);
    if (kept === undefined) return;
    this.#kept.delete(identifier.toLowerCase());
    await kept.database.remove();
    this.#residents.delete(kept.database.address);
    await kept.release();
  }

  rename(identifier: string, to: string): void {
    const kept = this.get(identifier);
    if (kept === undefined) return;
    this.#kept.delete(identifier.toLowerCase());
    this.#kept.set(to.toLowerCase(), kept);
  }

  keep(snapshot: string, disk: Disk): void {
    this.#snapshots.set(snapshot.toLowerCase(), disk);
  }

  /** The data of a DB snapshot, or a refusal that names it. */
  snapshot(name: string): Disk {
    const disk = this.#snapshots.get(name.toLowerCase());
    if (disk !== undefined) return disk;
    throw new Refusal("DBSnapshotNotFound", `the sandbox holds no data of DB snapshot ${name}`);
  }

  /** A backup belongs to the automated snapshot that RDS shows. */
  async keepBackup(identifier: string, disk: Disk): Promise<void> {
    const names: string[] = [];
    for (const { id, instance, isAutomated } of await this.#listed())
      if (isAutomated && instance === identifier.toLowerCase()) names.push(id);
    const kept = this.get(identifier);
    const snapshot = names.sort().at(-1);
    if (kept === undefined || snapshot === undefined) return await this.engine.remove(disk);
    this.keep(snapshot, disk);
    kept.backup = { snapshot, at: this.clock.now() };
  }

  /** Forgets the data of snapshots that RDS has no more. */
  async forgetSnapshots(): Promise<void> {
    if (this.#snapshots.size === 0) return;
    const there = new Set((await this.#listed()).map(({ id }) => id));
    for (const [id, disk] of this.#snapshots) {
      if (there.has(id)) continue;
      this.#snapshots.delete(id);
      await this.engine.remove(disk);
    }
  }

  /** The region is about to be lost, or its bodies to be killed for another reason. */
  halt(): void {
    for (const { database } of this.#kept.values()) database.halt();
  }

  revive(): void {
    for (const { database } of this.#kept.values()) this.goOn(database.revive());
  }

  /** Says that nothing of it is wanted any more, before the bodies are killed. */
  abandon(): void {
    for (const { database } of this.#kept.values()) database.abandon();
  }

  /** Forgets everything, after that. The emulator has forgotten it already. */
  async clear(): Promise<void> {
    const databases = [...this.#kept.values()].map(({ database }) => database);
    this.#kept.clear();
    await Promise.all(databases.map((database) => database.remove()));
    await Promise.allSettled(this.#underWay);
    this.#residents.clear();
    for (const disk of this.#snapshots.values()) await this.engine.remove(disk);
    this.#snapshots.clear();
  }

  async #image(address: string, identifier: string): Promise<Disk> {
    const { engine, base, images, emulated, consoleFolder } = this.#options;
    return await images.of({
      region: emulated.region,
      engine,
      base,
      admit: (resident) => this.#admit(resident),
      builder: { id: instanceId(), address, consoleFile: join(consoleFolder, `${identifier}-builder.log`) },
    });
  }

  #admit(resident: Resident): () => void {
    const address = resident.instance.PrivateIpAddress!;
    this.#residents.set(address, resident);
    return () => {
      if (this.#residents.get(address) === resident) this.#residents.delete(address);
    };
  }

  async #listed(): Promise<{ id: string; instance: string; isAutomated: boolean }[]> {
    const found = [];
    for await (const { DBSnapshots = [] } of paginateDescribeDBSnapshots({ client: this.emulated.rds }, {}))
      for (const { DBSnapshotIdentifier, DBInstanceIdentifier, SnapshotType } of DBSnapshots)
        found.push({
          id: DBSnapshotIdentifier!.toLowerCase(),
          instance: DBInstanceIdentifier!.toLowerCase(),
          isAutomated: SnapshotType === "automated",
        });
    return found;
  }
}

/** RDS's servers are instances that no account sees. */
function instanceId(): string {
  return `i-${randomBytes(9).toString("hex").slice(0, 17)}`;
}
