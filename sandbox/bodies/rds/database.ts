import { describeEnding, succeeded } from "../../../bootstrap/edges/process.ts";
import type { Body, Disk, EngineRegion } from "../engine.ts";
import { OneAtATime } from "../one-at-a-time.ts";
import {
  archiveScript,
  devices,
  type Endpoint,
  type Origin,
  passwordScript,
  startScript,
} from "./postgres.ts";

/** In RDS's own words. */
export type Status = "creating" | "available" | "starting" | "stopping" | "stopped" | "rebooting" | "failed";

export interface DatabaseParts {
  engine: EngineRegion;
  /** What its root disk starts from. */
  image(): Promise<Disk>;
  machine: { id: string; address: string; consoleFile: string };
  endpoint: Endpoint;
  /** Told why it failed. */
  failed(reason: string): void;
}

/** The first start of a database, with volumes that are its own from now on. */
export interface Beginning {
  origin: Origin;
  data: Disk;
  /** The log that is replayed; removed after that. */
  restored?: Disk;
  /** Of the data that came back; without it they keep their own. */
  credentials: { master: string; password: string } | undefined;
  /** Takes the first backup, from which the log goes on. */
  keepBackup?: (backup: Disk) => Promise<void>;
}

/** Behind the data is the whole log: as much room as nobody's rehearsal fills. Blank space takes none. */
const archiveGiB = 64;
const scriptLimitMs = 15 * 60_000;

/**
 * An RDS instance's PostgreSQL: a body with a volume for the data and one for the archived log. What changes it happens
 * one after the other; a status tells of it meanwhile, as RDS's does.
 */
export class Database {
  status: Status = "creating";
  endpoint: Endpoint;
  readonly #parts: DatabaseParts;
  readonly #turn = new OneAtATime();
  #disks: { root?: Disk; data?: Disk; archive?: Disk } = {};
  #body: Body | undefined;
  /** The end of a body that others kill, before which there can be no other one. */
  #killed: Promise<void> | undefined;
  #isGone = false;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    this.endpoint = parts.endpoint;
  }

  get address(): string {
    return this.#parts.machine.address;
  }

  /** Resolves when it is available or has failed, and never rejects. */
  begin({ origin, data, restored, credentials, keepBackup }: Beginning): Promise<void> {
    const { engine, image } = this.#parts;
    this.#disks.data = data;
    return this.#work("creating", "available", async () => {
      try {
        this.#disks.archive = await engine.blankVolume(archiveGiB);
        this.#disks.root = await engine.rootFrom(await image());
        await this.#run(origin, restored);
        if (restored !== undefined) await this.#body?.detach(devices.restored);
      } finally {
        // Nothing else knows of it; a body that still has it is about to end with everything that it has.
        if (restored !== undefined) await this.#endUnless(() => engine.remove(restored));
      }
      if (credentials !== undefined && origin.kind !== "new") await this.#setPassword(credentials);
      if (keepBackup !== undefined) await keepBackup(await this.#copyOf(data));
    });
  }

  start(): Promise<void> {
    return this.#work("starting", "available", () => this.#run());
  }

  /** What `at` and everything before it is in the archive then. */
  stop(at: string): Promise<void> {
    return this.#work("stopping", "stopped", async () => {
      await this.#exec(archiveScript(this.endpoint.port, at));
      await this.#powerOff();
    });
  }

  reboot(): Promise<void> {
    return this.#work("rebooting", "available", async () => {
      await this.#powerOff();
      await this.#run();
    });
  }

  setPassword(credentials: { master: string; password: string }): Promise<void> {
    return this.#turn.run(() => this.#setPassword(credentials));
  }

  /** The data at one instant, as a crash would leave it. */
  snapshot(): Promise<Disk> {
    return this.#turn.run(() => this.#copyOf(this.#disks.data));
  }

  /** The log up to a moment at least. */
  log(until: string): Promise<Disk> {
    return this.#turn.run(async () => {
      if (this.#body !== undefined) await this.#exec(archiveScript(this.endpoint.port, until));
      return await this.#copyOf(this.#disks.archive);
    });
  }

  /** For a region that is lost: whoever kills the bodies says so first. */
  halt(): void {
    this.#killed = this.#body?.stopped;
    this.#body = undefined;
  }

  /** As when power comes back: what should run does so again. */
  async revive(): Promise<void> {
    if (this.status === "available" && this.#body === undefined) await this.start();
  }

  /** Says that it is no more: what is under way fails. */
  abandon(): void {
    this.#isGone = true;
  }

  /** Ends it at once, with all that it has. */
  async remove(): Promise<void> {
    this.abandon();
    await this.#powerOff();
    await this.#turn.run(async () => {
      await this.#powerOff();
      for (const disk of Object.values(this.#disks)) await this.#parts.engine.remove(disk);
      this.#disks = {};
    });
  }

  #work(during: Status, after: Status, act: () => Promise<void>): Promise<void> {
    this.status = during;
    return this.#turn.run(async () => {
      try {
        this.#demandThere();
        await act();
        this.status = after;
      } catch (error) {
        this.status = "failed";
        await this.#powerOff();
        if (!this.#isGone) this.#parts.failed((error as Error).message);
      }
    });
  }

  async #run(origin?: Origin, restored?: Disk): Promise<void> {
    await this.#killed;
    this.#demandThere();
    const { root, data, archive } = this.#disks;
    const volumes = [
      { device: devices.data, disk: data! },
      { device: devices.archive, disk: archive! },
      ...(restored === undefined ? [] : [{ device: devices.restored, disk: restored }]),
    ];
    const body = await this.#parts.engine.boot({ ...this.#parts.machine, root: root!, volumes });
    this.#body = body;
    void body.stopped.then(() => {
      if (this.#body !== body) return;
      this.#body = undefined;
      if (this.status !== "available" || this.#isGone) return;
      this.status = "failed";
      this.#parts.failed("its body has stopped");
    });
    this.#demandThere();
    await this.#exec(startScript(this.endpoint, origin));
  }

  async #setPassword({ master, password }: { master: string; password: string }): Promise<void> {
    await this.#exec(passwordScript(this.endpoint.port, master, password));
  }

  async #exec(script: string): Promise<void> {
    if (this.#body === undefined) throw new Error("it does not run");
    const finished = await this.#body.exec(script, { timeoutMs: scriptLimitMs });
    if (!succeeded(finished))
      throw new Error(`${describeEnding(finished.ending)}: ${finished.stderr.trim()}`);
  }

  async #copyOf(disk: Disk | undefined): Promise<Disk> {
    if (disk === undefined) throw new Error("it has no volumes yet");
    return (await this.#parts.engine.snapshot([disk]))[0]!;
  }

  /** Its body is none of ours from here on, so that its end is not taken for one by itself. */
  async #powerOff(): Promise<void> {
    const body = this.#body;
    this.#body = undefined;
    await body?.powerOff();
  }

  async #endUnless(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch {
      await this.#powerOff();
      await act();
    }
  }

  #demandThere(): void {
    if (this.#isGone) throw new Error("it was deleted");
  }
}
