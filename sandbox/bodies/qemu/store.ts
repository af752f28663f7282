import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { copyFile, DiskFiles, type Kind, must } from "../disk-files.ts";
import type { Disk } from "../engine.ts";
import type { Base } from "./base.ts";

/**
 * The disks of all regions, each one a file. Images and roots are qcow2 on top of the base, volumes and snapshots are
 * raw; none depends on another one.
 */
export interface Store {
  /** Where a disk is; refuses what is no disk of those kinds. */
  path(disk: Disk, ...kinds: Kind[]): string;
  /** An image that is nothing but the base. */
  imageOfBase(region: string, base: Base): Promise<Disk>;
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
  const files = new DiskFiles(folder);
  return {
    path: (disk, ...wanted) => files.path(disk, ...wanted),
    imageOfBase: (region, base) =>
      files.make(region, "images", (aside) =>
        must("qemu-img", ["create", "-q", "-f", "qcow2", "-b", base.disk, "-F", formats[base.kind], aside]),
      ),
    blankVolume: (region, bytes) => files.blankVolume(region, bytes),
    duplicate: (region, disk, kind, bytes) => files.duplicate(region, disk, kind, bytes),
    async save(disk, to) {
      const name = files.kindOf(disk) === "images" ? "image" : "volume";
      await mkdir(to, { recursive: true });
      await copyFile(join(folder, disk), join(to, name));
    },
    async load(region, from) {
      const image = join(from, "image");
      // An image is nothing without its base, which may have been removed.
      if (existsSync(image)) {
        await must("qemu-img", ["info", "--backing-chain", image]);
        return await files.make(region, "images", (aside) => symlink(image, aside));
      }
      return await files.make(region, "snapshots", (aside) => symlink(join(from, "volume"), aside));
    },
    async remove(disk) {
      files.kindOf(disk);
      await rm(join(folder, disk), { force: true });
    },
  };
}

/** A base that was made of an official image is a disk in front of that. */
const formats = { kernel: "raw", image: "qcow2" } as const;

/** By which a server tells one disk from another. */
export function idOf(disk: Disk): string {
  return basename(disk);
}
