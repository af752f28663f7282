import { setUp } from "../commands/setup.ts";
import { type EngineFinding, inWords, lookAtEngines } from "../edges/engines.ts";
import type { EngineChoice, EngineWish } from "../edges/sandbox.ts";
import type { ToolContext } from "../edges/tools/context.ts";
import { RekindleError } from "../errors.ts";
import { bestEngine, fitting } from "../gameday/engine.ts";

/** The engine that instances get their bodies from, and why no better one gives them. */
export interface ResolvedEngine {
  engine: EngineChoice;
  passedOver: string[];
}

/**
 * Resolves a wish. `auto` takes what runs at once: without `setup` nothing is installed and no base image is fetched,
 * so that a first game day takes minutes on any machine, and a sandbox starts in seconds. One that is named is taken, or refused with what it lacks.
 */
export async function resolveEngine(
  context: ToolContext,
  { wish, setup }: { wish: EngineWish; setup: boolean },
): Promise<ResolvedEngine> {
  if (wish === "none" && !setup) return { engine: "none", passedOver: [] };
  let engines = await lookAtEngines(context.stateDir);
  if (setup) {
    await setUp(context, engines, wish === "auto" ? undefined : wish);
    engines = await lookAtEngines(context.stateDir);
  }
  if (wish === "none") return { engine: "none", passedOver: [] };
  if (wish !== "auto") return { engine: demandEngine(engines, wish), passedOver: [] };
  const { taken, passedOver } = await bestEngine(engines, async (engine) =>
    fitting(engine, { atOnce: !setup }),
  );
  return { engine: taken?.engine ?? "none", passedOver };
}

function demandEngine(engines: readonly EngineFinding[], wish: string): EngineChoice {
  const { engine, missing } = engines.find((one) => one.engine === wish)!;
  if (missing.length === 0) return engine;
  const mendable = missing.every((lack) => lack.package !== undefined);
  throw new RekindleError(
    "missing-tool",
    `engine ${wish} can't run here: ${inWords(missing)}${mendable ? "; --setup installs them" : "; leave --engine out to take one that can"}`,
  );
}
