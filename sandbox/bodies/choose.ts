import { join } from "node:path";
import type { EngineChoice } from "../protocol.ts";
import type { BoxOptions } from "./box/engine.ts";
import type { Engine } from "./engine.ts";
import type { QemuOptions } from "./qemu/engine.ts";

export interface EnginePlaces {
  /** The sandbox's own folder. */
  state: string;
  /** For what outlives a sandbox: base images and packages. */
  cache: string;
  /** Where the bundled programs are. */
  programs: string;
}

/** The engine of that name, ready to boot its base image; nothing for `none`. Rejects with what it lacks. */
export async function chosenEngine(
  choice: EngineChoice,
  { state, cache, programs }: EnginePlaces,
  say: (line: string) => void,
): Promise<Engine | undefined> {
  if (choice === "none") return undefined;
  const engine = await opened[choice]({
    folder: join(state, "disks"),
    cache,
    relayScript: join(programs, "relay.js"),
  });
  try {
    await engine.prepareBase(say);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** A sandbox without bodies starts without loading what makes them. */
const opened = {
  box: async (options: BoxOptions) => (await import("./box/engine.ts")).openBox(options),
  qemu: async (options: QemuOptions) => (await import("./qemu/engine.ts")).openQemu(options),
};
