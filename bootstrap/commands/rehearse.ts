import { encodeUserData } from "../../cloud-init/user-data.ts";
import { endpointParameter, instanceProfile, secretParameter } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import type { Clock } from "../edges/clock.ts";
import type { Signer } from "../edges/signers.ts";
import type { Performance, Stage, StagedServer } from "../edges/stage.ts";
import type { Stopwatch } from "../edges/stopwatch.ts";
import { RekindleError } from "../errors.ts";
import type { Recipe } from "../image/recipe.ts";
import { worktreeRelease } from "../rehearsal/release.ts";
import { type RehearsalReport, rehearsalLimits } from "../rehearsal/report.ts";
import { absentFor, type RehearsedServer, rehearsedServer } from "../rehearsal/server.ts";
import { stepsOf } from "../rehearsal/steps.ts";
import { referredParameters, referredSecrets, valuesFor } from "../release/parameters.ts";
import type { RoleSource } from "../release/release.ts";
import { signatureKey, statement } from "../release/signature.ts";
import { randomValue } from "./gameday-live.ts";
import { Journal, type Progress } from "./journal.ts";
import { boot, lookAround } from "./rehearse-boot.ts";
import { goldenImage } from "./rehearse-image.ts";

export interface RehearseContext {
  role: string;
  topology: Topology;
  source: RoleSource;
  recipe: Recipe;
  /** Its public half is in the recipe. */
  signer: Signer;
  /** What the data volumes hold; they are blank for nothing. */
  data: RehearsalData | undefined;
  /** How long the server may take to boot. */
  limitSeconds: number;
  clock: Clock;
  stopwatch: Stopwatch;
  signal: AbortSignal;
  progress: Progress;
  print(line: string): void;
  openStage(): Promise<Stage>;
  /** Called when the outcome is known, while the server still runs. */
  visit(performance: Performance, report: RehearsalReport): Promise<void>;
}

/** The data of one recovery point, as files of this computer. */
export interface RehearsalData {
  point: string;
  /** Volume → the folder that its snapshot was saved to. */
  volumes: Readonly<Record<string, { sizeGiB: number; folder: string }>>;
}

/** Boots one server of a role from the work tree, and tells how that went. Leaves nothing but images in the cache. */
export async function rehearse(context: RehearseContext): Promise<RehearsalReport> {
  const journal = new Journal(context.clock, context.stopwatch, context.progress);
  let stage: Stage | undefined;
  // Whoever interrupts ends the server; what waits for it then sees that it has stopped.
  const interrupt = () => void stage?.close();
  context.signal.addEventListener("abort", interrupt);
  try {
    stage = await journal.step("engine", context.openStage);
    return await perform(context, stage, journal);
  } catch (error) {
    if (context.signal.aborted) throw new RekindleError("tool-failed", "stopped; the server is gone");
    throw ofEngine(error);
  } finally {
    context.signal.removeEventListener("abort", interrupt);
    await stage?.close();
  }
}

/** An engine gives its reasons as plain errors; a fault of Rekindle's own is of another kind. */
function ofEngine(error: unknown): unknown {
  if (!(error instanceof Error) || error.constructor !== Error || "code" in error) return error;
  const [reason, ...details] = error.message.split("\n");
  return new RekindleError("tool-failed", reason!, { cause: error, details });
}

async function perform(context: RehearseContext, stage: Stage, journal: Journal): Promise<RehearsalReport> {
  const { topology, role, source } = context;
  const server = rehearsedServer(topology, role);
  await journal.step("base image", () => stage.prepare(context.print));
  const image = await journal.step("golden image", () => goldenImage(context, stage, server));
  const release = await signedRelease(context, server);
  const performance = await journal.step("launch", () =>
    stage.boot({
      ...machineOf(context, server),
      image: image.disk,
      volumes: volumesOf(context),
      userData: encodeUserData(release.userData),
      provisions: { objects: release.objects, ...values(context) },
    }),
  );
  const end = await boot(context, performance, journal);
  const { health, said, console } = await lookAround(performance, source.duties);
  const passed = end.outcome === "healthy" && health.passed;
  const steps = stepsOf(journal.steps, end.report);
  const report: RehearsalReport = {
    version: 1,
    environment: topology.environment.name,
    role,
    server: server.name,
    engine: stage.engine.name,
    release: release.release,
    image: { recipe: image.recipe, origin: image.origin },
    ...(context.data === undefined ? {} : { from: context.data.point }),
    verdict: passed ? "passed" : "failed",
    message: end.message,
    health,
    steps,
    seconds: steps.reduce((sum, { seconds }) => sum + seconds, 0),
    said: passed ? [] : said,
    console: passed ? [] : console,
    absent: absentFor(topology, role),
    refusedCalls: [...performance.refusedCalls],
    limits: [...stage.engine.limits, ...rehearsalLimits],
  };
  await context.visit(performance, report);
  return report;
}

function machineOf({ topology, role }: RehearseContext, { address }: RehearsedServer) {
  const { name, account, roles } = topology.environment;
  return {
    address,
    account,
    instanceType: roles[role]!.instanceType,
    profile: instanceProfile(name, role),
  };
}

function volumesOf({ topology, role, data }: RehearseContext): StagedServer["volumes"] {
  return topology.roles[role]!.volumes.map(({ name, device, sizeGiB }) => {
    const saved = data?.volumes[name];
    if (saved === undefined) return { device, sizeGiB };
    return { device, sizeGiB: Math.max(sizeGiB, saved.sizeGiB), from: saved.folder };
  });
}

async function signedRelease({ topology, source, signer }: RehearseContext, server: RehearsedServer) {
  const made = await worktreeRelease(topology, server, source);
  const [{ id }, signature] = await Promise.all([
    signer.publicKey(),
    signer.sign(statement(made.manifest.sha256)),
  ]);
  made.objects.set(`${server.bucket}/${signatureKey(made.release, id)}`, signature);
  return made;
}

/** What templates and the boot script ask for, which in AWS somebody has put there. */
function values({ topology, role, source }: RehearseContext) {
  const sources = { [role]: source };
  const { name, databases } = topology.environment;
  // As RFC 2606 has it, nobody ever answers to such a name.
  const endpoints = Object.keys(databases).flatMap((database) => [
    [endpointParameter(name, "primary", database), `${database}.invalid`] as const,
    [secretParameter(name, "primary", database), loginOf(database)] as const,
  ]);
  const logins = Object.entries(databases).map(([database, { username }]) => {
    return [loginOf(database), JSON.stringify({ username, password: randomValue() })] as const;
  });
  const secrets = [...referredSecrets(sources)].map(([id, keys]) => {
    const value = Object.fromEntries(keys.map((key) => [key, randomValue()]));
    return [id, keys.length === 0 ? randomValue() : JSON.stringify(value)] as const;
  });
  return {
    parameters: new Map([...valuesFor(referredParameters(sources), randomValue), ...endpoints]),
    secrets: new Map([...secrets, ...logins]),
  };
}

/** As RDS would call the secret of a database's login. */
function loginOf(database: string): string {
  return `rds!db-${database}`;
}
