import type { EngineChoice } from "../protocol.ts";
import type { Engine } from "./engine.ts";

export const engineChoices: readonly EngineChoice[] = ["none", "box"];

/** The engine of that name, ready to boot from its base image; nothing for `none`. */
export async function chosenEngine(
  choice: EngineChoice,
  _folder: string,
  say: (line: string) => void,
): Promise<Engine | undefined> {
  if (choice === "none") return undefined;
  say(`engine ${choice} is not there yet`);
  throw new Error(`the sandbox has no engine ${choice} yet; leave --engine out`);
}
