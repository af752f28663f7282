import { join } from "node:path";
import type { EngineChoice } from "../protocol.ts";
import type { Engine, EngineName } from "./engine.ts";

export interface EnginePlaces {
  /** The sandbox's own folder. */
  state: string;
  /** For what outlives a sandbox: base images and packages. */
  cache: string;
  /** Where the bundled programs are. */
  programs: string;
}

/** The engine of that name, before its base image is there. Rejects with what it lacks. */
export async function openEngine(
  _name: EngineName,
  { state, cache, programs }: EnginePlaces,
): Promise<Engine> {
  // A sandbox without bodies starts without loading what makes them.
  const { openBox } = await import("./box/engine.ts");
  const folder = join(state, "disks");
  return await openBox({ folder, cache, relayScript: join(programs, "relay.js") });
}

/** The engine of that name, ready to boot its base image; nothing for `none`. Rejects with what it lacks. */
export async function chosenEngine(
  choice: EngineChoice,
  places: EnginePlaces,
  say: (line: string) => void,
): Promise<Engine | undefined> {
  if (choice === "none") return undefined;
  const engine = await openEngine(choice, places);
  try {
    await engine.prepareBase(say);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
