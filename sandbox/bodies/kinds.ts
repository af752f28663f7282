import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EngineChoice } from "../protocol.ts";
import { debianBase, recipeDigest } from "./base-recipe.ts";
import { missingForBox } from "./box/requirements.ts";
import type { Engine, EngineName } from "./engine.ts";
import type { Lack } from "./lack.ts";

export interface EnginePlaces {
  /** The sandbox's own folder. */
  state: string;
  /** For what outlives a sandbox: base images and packages. */
  cache: string;
  /** Where the bundled programs are. */
  programs: string;
}

/** An engine as far as it is known before it is opened. */
export interface EngineKind {
  name: Exclude<EngineChoice, "none">;
  /** What keeps it from running on this computer, with its disks in that folder; nothing when it can. */
  missing(folder: string): Promise<Lack[]>;
  /** Whether its base image is in the cache, so that it runs with nothing fetched first. */
  hasBase(cache: string): boolean;
  /** Loads the engine: a sandbox without bodies starts without what makes them. */
  open(places: EnginePlaces): Promise<Engine>;
}

const box: EngineKind = {
  name: "box",
  missing: missingForBox,
  hasBase: (cache) => existsSync(join(cache, "bases", recipeDigest(debianBase, process.arch))),
  async open({ state, cache, programs }) {
    const { openBox } = await import("./box/engine.ts");
    return await openBox({ folder: join(state, "disks"), cache, relayScript: join(programs, "relay.js") });
  },
};

/** Every engine, the one to prefer first: one that boots in seconds before one that takes minutes. */
export const engineKinds: readonly EngineKind[] = [box];

export function engineKind(name: EngineName): EngineKind {
  return engineKinds.find((kind) => kind.name === name)!;
}
