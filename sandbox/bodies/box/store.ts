import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import {
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  truncate,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describeEnding, run, succeeded } from "../../../bootstrap/edges/process.ts";
import type { Disk } from "../engine.ts";

/**
 * The disks of all regions, as files below one folder:
 *
 *   <region>/images/<id>/lower/0…     links to layers, the topmost first; the last one is a base
 *   <region>/roots/<id>/lower/0…      the same, and `upper`, where the machine's own writes are
 *   <region>/layers/<id>/             immutable; there as long as a disk links to it
 *   <region>/volumes/<id>             a sparse file; snapshots are the same
 *
 * A disk's name is its path from the top. It is made aside and renamed: what has a name is whole.
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

const kinds = ["images", "roots", "volumes", "snapshots"] as const;
export type Kind = (typeof kinds)[number];

export function openStore(folder: string): Store {
  const parts = (disk: Disk) => {
    const [region, kind, id, ...rest] = disk.split("/");
    const known = kinds.find((one) => one === kind);
    const sound = rest.length === 0 && /^[a-z0-9-]+$/.test(region ?? "") && /^[a-z0-9]+$/.test(id ?? "");
    if (known === undefined || !sound || !existsSync(join(folder, disk)))
      throw new Error(`there is no disk ${JSON.stringify(disk)}`);
    return { region: region!, kind: known, id: id! };
  };

  /** Makes something aside, and gives it its name when it is whole. */
  const make = async (region: string, kind: Kind | "layers", fill: (aside: string) => Promise<void>) => {
    const name = join(region, kind, randomBytes(8).toString("hex"));
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    try {
      await fill(`${path}.new`);
      await rename(`${path}.new`, path);
    } catch (error) {
      await rm(`${path}.new`, { recursive: true, force: true });
      throw error;
    }
    return name;
  };

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
    make(region, "images", async (aside) => await link(aside, layers));

  const layerFrom = async (region: string, tree: string) =>
    join(folder, await make(region, "layers", async (aside) => await copyTree(tree, aside)));

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
    path(disk, ...wanted) {
      const { kind } = parts(disk);
      if (!wanted.includes(kind))
        throw new Error(
          `${JSON.stringify(disk)} is one of the ${kind}, and not of the ${wanted.join(" or ")}`,
        );
      return join(folder, disk);
    },
    imageOfBase: (region, base) => image(region, [base]),
    async rootFrom(region, from) {
      const layers = await layersOf(from);
      return await make(region, "roots", async (aside) => {
        await link(aside, layers);
        for (const part of ["upper", "work", "root"]) await mkdir(join(aside, part), { mode: 0o755 });
      });
    },
    async imageOf(region, root) {
      const own = await layerFrom(region, join(folder, root, "upper"));
      return await image(region, [own, ...(await layersOf(root))]);
    },
    blankVolume: (region, bytes) =>
      make(region, "volumes", async (aside) => {
        await (await open(aside, "w")).close();
        await truncate(aside, bytes);
      }),
    duplicate: (region, disk, kind, bytes = 0) =>
      make(region, kind, async (aside) => {
        await copyFile(join(folder, disk), aside);
        if ((await stat(aside)).size < bytes) await truncate(aside, bytes);
      }),
    async copy(region, disk) {
      const { kind } = parts(disk);
      if (kind === "snapshots" || kind === "volumes") return await this.duplicate(region, disk, kind);
      const layers: string[] = [];
      for (const layer of await layersOf(disk))
        layers.push(isBase(layer) ? layer : await layerFrom(region, layer));
      return await image(region, layers);
    },
    async save(disk, to) {
      const { kind } = parts(disk);
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
      if (existsSync(volume)) return await make(region, "snapshots", (aside) => symlink(volume, aside));
      const names = (await readdir(join(from, "lower"))).sort();
      return await image(region, await Promise.all(names.map((name) => realpath(join(from, "lower", name)))));
    },
    async remove(disk) {
      const { region, kind } = parts(disk);
      await rm(join(folder, disk), { recursive: true, force: true });
      if (kind === "images" || kind === "roots") await sweep(region);
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

async function copyFile(from: string, to: string): Promise<void> {
  await must("cp", ["--reflink=auto", "--sparse=always", from, to]);
}

async function must(command: string, args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished))
    throw new Error(
      `${command} ${describeEnding(finished.ending)}: ${finished.stderr.trim().split("\n").at(-1)}`,
    );
}
