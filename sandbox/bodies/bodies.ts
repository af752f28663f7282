import { mkdir, mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import type { Emulator } from "../emulator.ts";
import type { LostRegions } from "../lost-regions.ts";
import type { ListenerStatus } from "../protocol.ts";
import type { ReplicatedBackups } from "../replicated-backups.ts";
import type { StandIn } from "../stand-in.ts";
import { Ec2Bodies } from "./ec2-bodies.ts";
import { EmulatedRegion } from "./emulated-region.ts";
import type { Engine } from "./engine.ts";
import { Listeners } from "./listeners.ts";
import { LoadBalancing } from "./load-balancing.ts";
import { MetadataService } from "./metadata.ts";
import { Databases } from "./rds/databases.ts";
import { DatabaseImages } from "./rds/images.ts";
import { RdsBodies } from "./rds/rds-bodies.ts";
import { RegionBodies } from "./region-bodies.ts";
import { RunCommand } from "./run-command.ts";
import { TargetGroups } from "./target-groups.ts";

export interface BodiesOptions {
  engine: Engine;
  emulator: Emulator;
  lost: LostRegions;
  backups: ReplicatedBackups;
  /** Consoles are kept there. */
  folder: string;
  clock: Clock;
  /** Answers AWS API calls that come from bodies. */
  aws(request: IncomingMessage, response: ServerResponse): void;
  note(line: string): void;
}

/** All that one region has of its own. */
export interface BodiesOfRegion {
  bodies: RegionBodies;
  databases: Databases;
  targetGroups: TargetGroups;
  listeners: Listeners;
}

/** Everything that an engine adds to the gateway: the bodies of all regions, and the stand-ins that speak for them. */
export class Bodies {
  readonly engine: Engine;
  readonly standIns: readonly StandIn[];
  readonly #options: BodiesOptions;
  readonly #databaseImages = new DatabaseImages();
  readonly #regions = new Map<string, Promise<BodiesOfRegion>>();
  /** Those that are open, for whoever cannot wait. */
  readonly #opened: BodiesOfRegion[] = [];

  constructor(options: BodiesOptions) {
    this.engine = options.engine;
    this.#options = options;
    this.standIns = [
      new Ec2Bodies(async (region) => (await this.#region(region)).bodies),
      new RdsBodies(async (region) => (await this.#region(region)).databases, options.backups),
      new RunCommand(async (region) => (await this.#region(region)).bodies, options.clock),
      new LoadBalancing((region) => this.#region(region)),
    ];
  }

  /** The region's bodies are gone at once; its disks stay, for whoever restores it. */
  async lose(region: string): Promise<void> {
    const lost = await this.#regions.get(region);
    lost?.databases.halt();
    await lost?.bodies.kill();
  }

  /** As when power comes back: whatever should run boots again. */
  async restore(region: string): Promise<void> {
    const restored = await this.#regions.get(region);
    restored?.databases.revive();
    await restored?.bodies.look();
  }

  async reset(): Promise<void> {
    for (const { listeners, databases } of this.#opened) {
      listeners.close();
      databases.abandon();
    }
    await Promise.all(this.#opened.map(({ bodies }) => bodies.kill({ forgetting: true })));
    await Promise.all(this.#opened.map(({ databases }) => databases.clear()));
    for (const folder of [this.#consoles(), this.#saved()])
      await rm(folder, { recursive: true, force: true });
  }

  /** Copies a snapshot's data into a folder below the sandbox's own, and gives its name. */
  async saveSnapshot(region: string, id: string): Promise<string> {
    const { bodies } = await this.#region(region);
    await mkdir(this.#saved(), { recursive: true });
    const folder = await mkdtemp(join(this.#saved(), `${id}-`));
    try {
      await bodies.inTurn(() => bodies.engine.save(bodies.disks.snapshot(id), folder));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return folder;
  }

  /** What load balancers have open, of regions that are lost too. */
  listeners(): ListenerStatus[] {
    return this.#opened.flatMap(({ listeners }) => listeners.list());
  }

  async close(): Promise<void> {
    for (const { listeners, databases } of this.#opened) {
      listeners.close();
      databases.abandon();
    }
    await this.engine.close();
  }

  #region(region: string): Promise<BodiesOfRegion> {
    const opened = this.#regions.get(region) ?? this.#open(region);
    this.#regions.set(region, opened);
    // One that could not be opened is tried again by the next call.
    opened.catch(() => this.#regions.delete(region));
    return opened;
  }

  async #open(region: string): Promise<BodiesOfRegion> {
    const { engine, emulator, lost, clock, aws, note } = this.#options;
    const emulated = new EmulatedRegion(emulator, region);
    let metadata: MetadataService | undefined;
    let databases: Databases | undefined;
    const opened = await engine.openRegion(region, {
      metadata(address, request, response) {
        metadata?.answer(address, request, response).catch((error: Error) => {
          note(`metadata ${request.url} for ${address} in ${region}: ${error.message}`);
          response.writeHead(500).end();
        });
      },
      aws,
      resolve: (name) => databases?.resolve(name),
    });
    const shared = {
      engine: opened,
      base: () => engine.base(region),
      emulated,
      consoleFolder: join(this.#consoles(), region),
      note,
    };
    const bodies = new RegionBodies({ ...shared, isLost: () => lost.firstOf([region]) !== undefined });
    const made = new Databases({ ...shared, images: this.#databaseImages, clock });
    databases = made;
    const residents = {
      byAddress: (address: string) => bodies.machines.byAddress(address) ?? made.byAddress(address),
    };
    metadata = new MetadataService(emulated, residents, clock);
    const targetGroups = new TargetGroups(bodies, clock);
    const listeners = new Listeners(emulated, targetGroups, lost);
    const whole = { bodies, databases: made, targetGroups, listeners };
    this.#opened.push(whole);
    return whole;
  }

  #consoles(): string {
    return join(this.#options.folder, "consoles");
  }

  #saved(): string {
    return join(this.#options.folder, "saved");
  }
}
