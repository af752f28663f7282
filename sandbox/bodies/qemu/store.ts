import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, stat, symlink, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describeEnding, run, succeeded } from "../../../bootstrap/edges/process.ts";
import type { Disk } from "../engine.ts";

const kinds = ["images", "roots", "volumes", "snapshots"] as const;
export type Kind = (typeof kinds)[number];

/**
 * The disks of all regions, each one a file `<region>/<kind>/<id>` below one folder, which is also its name. Images and
 * roots are qcow2 on top of the base, volumes and snapshots are raw; none depends on another one. A disk is made aside
 * and renamed: what has a name is whole.
 */
export interface Store {
  /** Where a disk is; refuses what is no disk of those kinds. */
  path(disk: Disk, ...kinds: Kind[]): string;
  /** An image that is nothing but the base. */
  imageOfBase(region: string, base: string): Promise<Disk>;
  blankVolume(region: string, bytes: number): Promise<Disk>;
  /** A disk with the same content, of that kind; at least so large. */
  duplicate(region: string, disk: Disk, kind: Kind, bytes?: number): Promise<Disk>;
  /** A copy in a new folder, named by what it is: `image` or `volume`. */
  save(disk: Disk, to: string): Promise<void>;
  /** A disk of what was saved there, which it links to. */
  load(region: string, from: string): Promise<Disk>;
  remove(disk: Disk): Promise<void>;
}

export function openStore(folder: string): Store {
  const kindOf = (disk: Disk): Kind => {
    const [region, kind, id, ...rest] = disk.split("/");
    const known = kinds.find((one) => one === kind);
    const sound = rest.length === 0 && /^[a-z0-9-]+$/.test(region ?? "") && /^[a-z0-9]+$/.test(id ?? "");
    if (known === undefined || !sound || !existsSync(join(folder, disk)))
      throw new Error(`there is no disk ${JSON.stringify(disk)}`);
    return known;
  };

  const make = async (region: string, kind: Kind, fill: (aside: string) => Promise<void>) => {
    const name = join(region, kind, randomBytes(6).toString("hex"));
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    try {
      await fill(`${path}.new`);
      await rename(`${path}.new`, path);
    } catch (error) {
      await rm(`${path}.new`, { force: true });
      throw error;
    }
    return name;
  };

  return {
    path(disk, ...wanted) {
      const kind = kindOf(disk);
      if (!wanted.includes(kind))
        throw new Error(
          `${JSON.stringify(disk)} is one of the ${kind}, and not of the ${wanted.join(" or ")}`,
        );
      return join(folder, disk);
    },
    imageOfBase: (region, base) =>
      make(region, "images", (aside) =>
        must("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", aside]),
      ),
    blankVolume: (region, bytes) =>
      make(region, "volumes", async (aside) => {
        await (await open(aside, "w")).close();
        await truncate(aside, bytes);
      }),
    duplicate: (region, disk, kind, bytes = 0) =>
      make(region, kind, async (aside) => {
        await must("cp", [...copyQuickly, join(folder, disk), aside]);
        if ((await stat(aside)).size < bytes) await truncate(aside, bytes);
      }),
    async save(disk, to) {
      const name = kindOf(disk) === "images" ? "image" : "volume";
      await mkdir(to, { recursive: true });
      await must("cp", [...copyQuickly, join(folder, disk), join(to, name)]);
    },
    async load(region, from) {
      const image = join(from, "image");
      // An image is nothing without its base, which may have been removed.
      if (existsSync(image)) {
        await must("qemu-img", ["info", "--backing-chain", image]);
        return await make(region, "images", (aside) => symlink(image, aside));
      }
      return await make(region, "snapshots", (aside) => symlink(join(from, "volume"), aside));
    },
    async remove(disk) {
      kindOf(disk);
      await rm(join(folder, disk), { force: true });
    },
  };
}

/** By which a server tells one disk from another. */
export function idOf(disk: Disk): string {
  return basename(disk);
}

/** Holes stay holes, and where the file system can share blocks nothing is copied at all. */
const copyQuickly = process.platform === "darwin" ? ["-c"] : ["--reflink=auto", "--sparse=always"];

async function must(command: string, args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished))
    throw new Error(
      `${command} ${describeEnding(finished.ending)}: ${finished.stderr.trim().split("\n").at(-1)}`,
    );
}
