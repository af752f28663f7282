import type { EngineChoice } from "../protocol.ts";
import type { Engine } from "./engine.ts";
import { type EnginePlaces, engineKind } from "./kinds.ts";

/** The engine of that name, ready to boot its base image; nothing for `none`. Rejects with what it lacks. */
export async function chosenEngine(
  choice: EngineChoice,
  places: EnginePlaces,
  say: (line: string) => void,
): Promise<Engine | undefined> {
  if (choice === "none") return undefined;
  const engine = await engineKind(choice).open(places);
  try {
    await engine.prepareBase(say);
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
