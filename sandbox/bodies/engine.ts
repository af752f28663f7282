import type { Finished } from "../../bootstrap/edges/process.ts";

/** What gives the emulator's instances bodies. One is chosen when a sandbox starts; both pass the same contract suite. */
export type EngineName = "box" | "qemu";

/** A disk as its engine keeps it: opaque to everyone else, inside of its region's folder, and gone with it. */
export type Disk = string;

/** What an engine is told to run: one instance, with everything that it owns. */
export interface Machine {
  /** Such as `i-0123456789abcdef0`. */
  id: string;
  /** Private IPv4 address; other bodies of the region reach it there, and nobody else does. */
  address: string;
  root: Disk;
  /** Data volumes by the name that EC2 attaches them under, such as `/dev/sdf`. */
  volumes: readonly { device: string; disk: Disk }[];
  /** A file to which everything that the machine says is added. */
  consoleFile: string;
}

/** A machine that runs. Everything of it ends with the gateway, however that ends. */
export interface Body {
  /** Resolves when the machine has stopped: by itself (a power-off from inside), by `powerOff`, or by being killed. */
  readonly stopped: Promise<void>;
  /** Runs a shell's lines as root inside of the machine. */
  exec(script: string, options?: { timeoutMs?: number }): Promise<Finished>;
  /** The command that opens root's shell inside of the machine, on the terminal of whoever runs it. Not every engine has one. */
  shell?(): [command: string, ...args: string[]];
  /** Asks the machine to shut down; kills it when it does not within a few seconds. Resolves when it has stopped. */
  powerOff(): Promise<void>;
  attach(device: string, disk: Disk): Promise<void>;
  /** Refused with the machine's own reason while it is in use. */
  detach(device: string): Promise<void>;
}

/** The bodies and disks of one region. Regions share nothing: copying is the only way from one to another. */
export interface EngineRegion {
  /** Resolves as soon as the machine runs, which is before it has booted. */
  boot(machine: Machine): Promise<Body>;
  /** A root disk that starts as its image; writes go to it alone. */
  rootFrom(image: Disk): Promise<Disk>;
  /** An image from the root disk of a machine that is stopped, or that runs and is then crash consistent. */
  imageOf(root: Disk): Promise<Disk>;
  blankVolume(sizeGiB: number): Promise<Disk>;
  /** Copies several volumes at one instant, whoever writes to them. */
  snapshot(volumes: readonly Disk[]): Promise<Disk[]>;
  /** At least as large as the snapshot's volume was; a larger one has blank space behind it. */
  volumeFrom(snapshot: Disk, sizeGiB: number): Promise<Disk>;
  /** Takes an image or a snapshot over from another region of the same engine. */
  copy(disk: Disk): Promise<Disk>;
  /** Puts an image or a snapshot, with all that it is made of but the base, into an empty folder that outlives this run. */
  save(disk: Disk, folder: string): Promise<void>;
  /** A disk that a run of the same engine has saved. It is not copied: the folder stays for as long as the disk does. */
  load(folder: string): Promise<Disk>;
  remove(disk: Disk): Promise<void>;
  /** A TCP connection to a port of one of the region's bodies: what load balancers and their health checks use. */
  connect(address: string, port: number): Promise<import("node:stream").Duplex>;
  /** Every body stops at once, as when the region is lost; disks stay. */
  kill(): Promise<void>;
}

/** What bodies ask of the world outside. They reach this, and nothing else. */
export interface Surroundings {
  /** Answers requests to 169.254.169.254:80 from the body with that address. */
  metadata(
    address: string,
    request: import("node:http").IncomingMessage,
    response: import("node:http").ServerResponse,
  ): void;
  /** Answers AWS API calls: what `AWS_ENDPOINT_URL` inside of a body names. */
  aws(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse): void;
  /** The address of a name that only the region's own resolver knows, such as a database's endpoint. */
  resolve(name: string): string | undefined;
}

export interface Engine {
  readonly name: EngineName;
  /** Names the base image by its content: what was saved over another one is another image. */
  readonly baseDigest: string;
  /** What a game day on this engine does not prove, one sentence each. */
  readonly limits: readonly string[];
  /** Builds the base image when it is not cached; says what it does, line by line. */
  prepareBase(say: (line: string) => void): Promise<void>;
  openRegion(region: string, surroundings: Surroundings): Promise<EngineRegion>;
  /** The base image, as a disk of a region. */
  base(region: string): Promise<Disk>;
  close(): Promise<void>;
}
