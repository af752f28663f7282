import { mkdir } from "node:fs/promises";
import { engineKinds } from "../../sandbox/bodies/kinds.ts";
import type { Lack } from "../../sandbox/bodies/lack.ts";
import type { EngineChoice } from "../../sandbox/protocol.ts";

export { inWords, type Lack } from "../../sandbox/bodies/lack.ts";

export type KnownEngine = Exclude<EngineChoice, "none">;

/** The one to prefer first. */
export const engineOrder: readonly KnownEngine[] = engineKinds.map(({ name }) => name);

/** What a look at one engine found. */
export interface EngineFinding {
  engine: KnownEngine;
  /** What keeps it from running on this computer; nothing when it can. */
  missing: Lack[];
  /** Whether its base image is there, so that it runs with nothing fetched first. */
  hasBase: boolean;
  /** Why it takes minutes for what should take seconds. */
  slow?: string | undefined;
}

/** Looks at every engine, the one to prefer first. Nothing is installed, and what it tries is gone at once. */
export async function lookAtEngines(cache: string): Promise<EngineFinding[]> {
  await mkdir(cache, { recursive: true });
  return await Promise.all(
    engineKinds.map(async ({ name, missing, hasBase, slow }) => ({
      engine: name,
      missing: await missing(cache),
      hasBase: hasBase(cache),
      slow: slow?.(),
    })),
  );
}
