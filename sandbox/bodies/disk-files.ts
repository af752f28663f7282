import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describeEnding, run, succeeded } from "../../bootstrap/edges/process.ts";
import type { Disk } from "./engine.ts";

const kinds = ["images", "roots", "volumes", "snapshots"] as const;
export type Kind = (typeof kinds)[number];

/**
 * The disks of all regions as files or folders `<region>/<kind>/<id>` below one folder, which is also their name.
 * Volumes and snapshots are sparse files; images and roots are what their engine makes of them. A disk is made aside and
 * renamed: what has a name is whole.
 */
export class DiskFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  kindOf(disk: Disk): Kind {
    const [region, kind, id, ...rest] = disk.split("/");
    const known = kinds.find((one) => one === kind);
    const sound = rest.length === 0 && /^[a-z0-9-]+$/.test(region ?? "") && /^[a-z0-9]+$/.test(id ?? "");
    if (known === undefined || !sound || !existsSync(join(this.#folder, disk)))
      throw new Error(`there is no disk ${JSON.stringify(disk)}`);
    return known;
  }

  /** Where a disk is; refuses what is no disk of those kinds. */
  path(disk: Disk, ...wanted: Kind[]): string {
    const kind = this.kindOf(disk);
    if (!wanted.includes(kind))
      throw new Error(`${JSON.stringify(disk)} is one of the ${kind}, and not of the ${wanted.join(" or ")}`);
    return join(this.#folder, disk);
  }

  /** Makes something aside, and gives it its name when it is whole. */
  async make(region: string, kind: string, fill: (aside: string) => Promise<void>): Promise<string> {
    const name = join(region, kind, randomBytes(6).toString("hex"));
    const path = join(this.#folder, name);
    await mkdir(dirname(path), { recursive: true });
    try {
      await fill(`${path}.new`);
      await rename(`${path}.new`, path);
    } catch (error) {
      await rm(`${path}.new`, { recursive: true, force: true });
      throw error;
    }
    return name;
  }

  blankVolume(region: string, bytes: number): Promise<Disk> {
    return this.make(region, "volumes", async (aside) => {
      await (await open(aside, "w")).close();
      await truncate(aside, bytes);
    });
  }

  /** A disk that is one file, once more, of that kind; at least so large. */
  duplicate(region: string, disk: Disk, kind: Kind, bytes = 0): Promise<Disk> {
    return this.make(region, kind, async (aside) => {
      await copyFile(join(this.#folder, disk), aside);
      if ((await stat(aside)).size < bytes) await truncate(aside, bytes);
    });
  }
}

/** Holes stay holes, and where the file system can share blocks nothing is copied at all. */
export async function copyFile(from: string, to: string): Promise<void> {
  const quickly = process.platform === "darwin" ? ["-c"] : ["--reflink=auto", "--sparse=always"];
  await must("cp", [...quickly, from, to]);
}

/** Runs a program, and says what it said when it fails. */
export async function must(command: string, args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished))
    throw new Error(
      `${command} ${describeEnding(finished.ending)}: ${finished.stderr.trim().split("\n").at(-1)}`,
    );
}
