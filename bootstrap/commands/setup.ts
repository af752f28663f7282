import type { EngineFinding } from "../edges/engines.ts";
import { installPackages } from "../edges/tools/apt.ts";
import type { ToolContext } from "../edges/tools/context.ts";
import { mendable } from "../gameday/engine.ts";
import { lookAtNeeded } from "./doctor.ts";

/** Tools of a game day that Debian has, and its packages. Terraform is in none of its repositories. */
const packagesOfTools: Readonly<Record<string, readonly string[]>> = {
  git: ["git"],
  emulator: ["python3", "python3-venv"],
};

/**
 * Installs the system packages that a game day with real servers needs and that are missing, after it has shown them.
 * `wished` is the one engine that counts, or nothing for the best.
 */
export async function setUp(
  context: ToolContext,
  engines: readonly EngineFinding[],
  wished: string | undefined,
): Promise<void> {
  const needed = await lookAtNeeded(context);
  const ofTools = needed.flatMap(({ kind, tool }) => (kind === "found" ? [] : (packagesOfTools[tool] ?? [])));
  const counted = engines.filter(({ engine }) => wished === undefined || engine === wished);
  const ofEngine = mendable(counted);
  const packages = [...new Set([...ofTools, ...(ofEngine?.packages ?? [])])].sort();
  if (packages.length === 0) return context.print("no system package is missing");
  context.print(`installing ${packages.join(", ")} with apt-get`);
  await installPackages(context, packages);
  context.print(`installed ${packages.join(", ")}`);
}
