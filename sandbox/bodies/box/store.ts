import { existsSync } from "node:fs";
import { mkdir, readdir, readlink, realpath, rm, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { copyFile, DiskFiles, type Kind, must } from "../disk-files.ts";
import type { Disk } from "../engine.ts";

/**
 * The disks of all regions, as files below one folder:
 *
 *   <region>/images/<id>/lower/0…     links to layers, the topmost first; the last one is a base
 *   <region>/roots/<id>/lower/0…      the same, and `upper`, where the machine's own writes are
 *   <region>/layers/<id>/             immutable; there as long as a disk links to it
 *   <region>/volumes/<id>             a sparse file; snapshots are the same
 */
export interface Store {
  /** Where a disk is; refuses what is no disk of that kind. */
  path(disk: Disk, ...kinds: Kind[]): string;
  /** An image that is nothing but a base. */
  imageOfBase(region: string, base: string): Promise<Disk>;
  rootFrom(region: string, image: Disk): Promise<Disk>;
  imageOf(region: string, root: Disk): Promise<Disk>;
  blankVolume(region: string, bytes: number): Promise<Disk>;
  /** A copy of a volume or a snapshot, as one or the other; at least so large. */
  duplicate(region: string, disk: Disk, kind: "volumes" | "snapshots", bytes?: number): Promise<Disk>;
  /** A disk of another region as one of this one, with everything that it is made of. */
  copy(region: string, disk: Disk): Promise<Disk>;
  /** A disk's own parts in a new folder: `lower/0…` of an image, with a link to its base, or the file `volume`. */
  save(disk: Disk, to: string): Promise<void>;
  /** A disk of what was saved there, which it links to. */
  load(region: string, from: string): Promise<Disk>;
  remove(disk: Disk): Promise<void>;
}

export function openStore(folder: string): Store {
  const files = new DiskFiles(folder);

  const layersOf = async (disk: Disk): Promise<string[]> => {
    const lower = join(folder, disk, "lower");
    const names = (await readdir(lower)).sort();
    return await Promise.all(names.map((name) => realpath(join(lower, name))));
  };

  const link = async (aside: string, layers: readonly string[]) => {
    await mkdir(join(aside, "lower"), { recursive: true });
    for (const [index, layer] of layers.entries())
      await symlink(layer, join(aside, "lower", layerName(index)));
  };

  const image = (region: string, layers: readonly string[]) =>
    files.make(region, "images", async (aside) => await link(aside, layers));

  const layerFrom = async (region: string, tree: string) =>
    join(folder, await files.make(region, "layers", async (aside) => await copyTree(tree, aside)));

  /** Layers that no disk of their region links to any more. */
  const sweep = async (region: string) => {
    const disks = await Promise.all(
      (["images", "roots"] as const).map(async (kind) =>
        (await readdir(join(folder, region, kind)).catch(() => [])).map((id) => join(region, kind, id)),
      ),
    );
    const used = new Set<string>();
    for (const disk of disks.flat()) {
      const lower = join(folder, disk, "lower");
      for (const name of await readdir(lower).catch(() => [])) used.add(await readlink(join(lower, name)));
    }
    for (const id of await readdir(join(folder, region, "layers")).catch(() => [])) {
      const layer = join(folder, region, "layers", id);
      if (!id.endsWith(".new") && !used.has(layer)) await rm(layer, { recursive: true, force: true });
    }
  };

  /** A base is in the cache, and belongs to no region. */
  const isBase = (layer: string) => relative(folder, layer).startsWith("..");

  return {
    path: (disk, ...wanted) => files.path(disk, ...wanted),
    imageOfBase: (region, base) => image(region, [base]),
    async rootFrom(region, from) {
      const layers = await layersOf(from);
      return await files.make(region, "roots", async (aside) => {
        await link(aside, layers);
        for (const part of ["upper", "work", "root"]) await mkdir(join(aside, part), { mode: 0o755 });
      });
    },
    async imageOf(region, root) {
      const own = await layerFrom(region, join(folder, root, "upper"));
      return await image(region, [own, ...(await layersOf(root))]);
    },
    blankVolume: (region, bytes) => files.blankVolume(region, bytes),
    duplicate: (region, disk, kind, bytes) => files.duplicate(region, disk, kind, bytes),
    async copy(region, disk) {
      const kind = files.kindOf(disk);
      if (kind === "snapshots" || kind === "volumes") return await files.duplicate(region, disk, kind);
      const layers: string[] = [];
      for (const layer of await layersOf(disk))
        layers.push(isBase(layer) ? layer : await layerFrom(region, layer));
      return await image(region, layers);
    },
    async save(disk, to) {
      const kind = files.kindOf(disk);
      await mkdir(to, { recursive: true });
      if (kind === "snapshots") return await copyFile(join(folder, disk), join(to, "volume"));
      await mkdir(join(to, "lower"));
      for (const [index, layer] of (await layersOf(disk)).entries()) {
        const place = join(to, "lower", layerName(index));
        if (isBase(layer)) await symlink(layer, place);
        else await copyTree(layer, place);
      }
    },
    async load(region, from) {
      const volume = join(from, "volume");
      if (existsSync(volume)) return await files.make(region, "snapshots", (aside) => symlink(volume, aside));
      const names = (await readdir(join(from, "lower"))).sort();
      return await image(region, await Promise.all(names.map((name) => realpath(join(from, "lower", name)))));
    },
    async remove(disk) {
      const kind = files.kindOf(disk);
      await rm(join(folder, disk), { recursive: true, force: true });
      if (kind === "images" || kind === "roots") await sweep(disk.split("/")[0]!);
    },
  };
}

/** Sorts as the number does. */
function layerName(index: number): string {
  return String(index).padStart(3, "0");
}

/** With owners, modes, links, holes, and what overlayfs keeps in extended attributes. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await must("cp", ["-a", "--reflink=auto", `${from}/.`, to]);
}
