import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EngineChoice } from "../protocol.ts";
import { debianBase, recipeDigest } from "./base-recipe.ts";
import { missingForBox } from "./box/requirements.ts";
import type { Engine, EngineName } from "./engine.ts";
import type { Lack } from "./lack.ts";
import { imageWish } from "./qemu/named-image.ts";
import { basePlan, planDigest } from "./qemu/plan.ts";
import { missingForQemu } from "./qemu/requirements.ts";

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
  /** Why it takes minutes for what should take seconds; nothing when it does not, as far as can be seen. */
  slow?(): string | undefined;
  /** Loads the engine: a sandbox without bodies starts without what makes them. */
  open(places: EnginePlaces): Promise<Engine>;
}

const box: EngineKind = {
  name: "box",
  missing: missingForBox,
  hasBase: (cache) => isThere(cache, recipeDigest(debianBase, process.arch)),
  async open({ state, cache, programs }) {
    const { openBox } = await import("./box/engine.ts");
    return await openBox({ folder: join(state, "disks"), cache, relayScript: join(programs, "relay.js") });
  },
};

const qemu: EngineKind = {
  name: "qemu",
  missing: missingForQemu,
  // A named image that is no good is missing, and says so there.
  hasBase: (cache) =>
    imageWish(process.env).kind !== "fault" && isThere(cache, planDigest(basePlan(process.env))),
  // One that is there may still not work; that is seen only when it boots.
  slow: () =>
    process.platform === "darwin" || existsSync("/dev/kvm")
      ? undefined
      : "there is no /dev/kvm, so that it imitates processors in software",
  async open({ state, cache }) {
    const { openQemu } = await import("./qemu/engine.ts");
    return await openQemu({ folder: join(state, "disks"), cache });
  },
};

/** Every engine, the one to prefer first: one that boots in seconds before one that takes minutes. */
export const engineKinds: readonly EngineKind[] = [box, qemu];

function isThere(cache: string, base: string): boolean {
  return existsSync(join(cache, "bases", base));
}

export function engineKind(name: EngineName): EngineKind {
  return engineKinds.find((kind) => kind.name === name)!;
}
