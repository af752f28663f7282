import { readFile } from "node:fs/promises";
import type { Disk, EngineRegion } from "../engine.ts";
import type { Resident } from "../metadata.ts";
import { imageDone, imageUserData } from "./postgres.ts";

/** Where an image is built: in one region, at an address that nobody else has meanwhile. */
export interface BuildingSite {
  region: string;
  engine: EngineRegion;
  base(): Promise<Disk>;
  /** Tells the builder's metadata who it is; what it returns ends that. */
  admit(resident: Resident): () => void;
  builder: { id: string; address: string; consoleFile: string };
}

/** As slow as software emulation may be. */
const buildLimitMs = 30 * 60_000;

/**
 * What databases' bodies boot from: the base image with PostgreSQL, which a body of the engine installs from Debian's
 * packages when the first database is made. Like RDS's own software it is in every region: later ones take a copy.
 */
export class DatabaseImages {
  readonly #known = new Map<string, Promise<Disk>>();
  #first: Disk | undefined;

  of(site: BuildingSite): Promise<Disk> {
    const known = this.#known.get(site.region) ?? this.#make(site);
    this.#known.set(site.region, known);
    // The next one may have a mirror.
    known.catch(() => this.#known.delete(site.region));
    return known;
  }

  async #make(site: BuildingSite): Promise<Disk> {
    if (this.#first !== undefined) return await site.engine.copy(this.#first);
    const disk = await build(site);
    this.#first ??= disk;
    return disk;
  }
}

async function build({ engine, base, admit, builder }: BuildingSite): Promise<Disk> {
  const root = await engine.rootFrom(await base());
  const dismiss = admit({
    instance: { InstanceId: builder.id, PrivateIpAddress: builder.address },
    userData: Buffer.from(imageUserData),
  });
  try {
    const body = await engine.boot({ ...builder, root, volumes: [] });
    const limit = setTimeout(() => void body.powerOff(), buildLimitMs);
    await body.stopped;
    clearTimeout(limit);
    const said = await readFile(builder.consoleFile, "utf8").catch(() => "");
    if (!said.includes(imageDone)) {
      const end = said.trimEnd().split("\n").slice(-8).join("\n");
      throw new Error(`PostgreSQL was not installed from Debian's packages; its builder said last:\n${end}`);
    }
    return await engine.imageOf(root);
  } finally {
    dismiss();
    await engine.remove(root);
  }
}
