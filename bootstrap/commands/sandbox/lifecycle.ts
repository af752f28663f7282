import {
  type EngineChoice,
  type EngineWish,
  findSandbox,
  type Sandbox,
  sandboxEnvironment,
  startSandbox,
} from "../../edges/sandbox.ts";
import { RekindleError } from "../../errors.ts";
import { runningSandbox, type SandboxContext } from "./context.ts";
import { shellLines } from "./shell.ts";

/** How a sandbox is to run; one that runs already must be so. */
export interface StartWish {
  port?: number;
  engine?: EngineWish;
}

export async function start(context: SandboxContext, wish: StartWish): Promise<void> {
  const { sandbox, isNew } = await ensureRunning(context, wish);
  context.print(
    `the sandbox ${isNew ? "runs" : "already runs"} at ${sandbox.endpoint} (process ${sandbox.pid})`,
  );
  context.print('to use it in this shell: eval "$(npx rekindle sandbox env)"');
  printLimits(context, (await sandbox.status()).limits);
}

/** Idempotent: nothing running is what was asked for. */
export async function stop({ stateDir, clock, print }: SandboxContext): Promise<void> {
  const sandbox = await findSandbox(stateDir, clock);
  if (sandbox === undefined) return print("no sandbox runs here; nothing to stop");
  await sandbox.stop();
  print(`stopped the sandbox at ${sandbox.endpoint}`);
}

export async function showStatus(context: SandboxContext, json: boolean): Promise<void> {
  const { stateDir, clock, print } = context;
  const sandbox = await findSandbox(stateDir, clock);
  if (sandbox === undefined) {
    return print(
      json
        ? JSON.stringify({ version: 1, running: false })
        : "no sandbox runs here; start one with: rekindle sandbox start",
    );
  }
  const { endpoint } = sandbox;
  const status = await sandbox.status();
  if (json) return print(JSON.stringify({ ...status, running: true, endpoint }, undefined, 2));
  const { moto, lostRegions, faults, builders, engine } = status;
  print(`the sandbox runs at ${endpoint} (process ${status.pid}) since ${status.startedAt}`);
  if (moto.alive) print(`emulator: process ${moto.pid}`);
  else print(`emulator: has ended: ${moto.ended}; start the sandbox again`);
  if (engine !== "none") print(`engine: ${engine}`);
  for (const { region, mode } of lostRegions) print(`lost: ${region} (${mode})`);
  for (const fault of faults) print(`fault: ${JSON.stringify(fault)}`);
  if (builders !== "succeeds") print(`builders: ${builders}`);
  printLimits(context, status.limits);
}

/** Nothing but assignments goes to standard output: a shell evaluates it. */
export async function printEnvironment(context: SandboxContext): Promise<void> {
  const { sandbox } = await ensureRunning(context);
  const environment = sandboxEnvironment(sandbox, {
    region: context.environment.recovery,
    terraformCliConfig: await context.terraformCliConfig(),
    hasBodies: (await sandbox.status()).engine !== "none",
    inherited: process.env,
  });
  for (const line of shellLines(environment)) context.print(line);
}

export async function resetSandbox(context: SandboxContext): Promise<void> {
  const sandbox = await runningSandbox(context);
  await sandbox.reset();
  await context.prepare(sandbox.endpoint);
  context.print(`the sandbox at ${sandbox.endpoint} is empty again`);
}

export async function showRequests(context: SandboxContext, json: boolean): Promise<void> {
  const { requests } = await (await runningSandbox(context)).requestsSince(0);
  for (const request of requests) {
    const { time, status, outcome, region, service, action, bytes, milliseconds } = request;
    const line = `${time} ${status || "---"} ${outcome} ${region} ${service} ${action} ${bytes} bytes ${milliseconds} ms`;
    context.print(json ? JSON.stringify(request) : line);
  }
}

/** A sandbox whose emulator has ended is of no use to anyone: it is replaced. */
async function ensureRunning(
  context: SandboxContext,
  wish: StartWish = {},
): Promise<{ sandbox: Sandbox; isNew: boolean }> {
  const running = await findSandbox(context.stateDir, context.clock);
  if (running === undefined) return await startNew(context, wish);
  const { port } = wish;
  const { moto, lostRegions, engine } = await running.status();
  if (!moto.alive) {
    context.tell(`the emulator has ended: ${moto.ended}; all that was in this sandbox is lost`);
    await running.stop();
    return await startNew(context, { engine, ...wish });
  }
  if (wish.engine !== undefined && wish.engine !== "auto" && wish.engine !== engine) {
    throw new RekindleError(
      "refused",
      `a sandbox already runs here with the engine ${engine}, not ${wish.engine}; stop it first, or leave --engine out`,
    );
  }
  if (port !== undefined && port !== 0 && !running.endpoint.endsWith(`:${port}`)) {
    throw new RekindleError(
      "refused",
      `a sandbox already runs here at ${running.endpoint}, not on port ${port}; stop it first, or leave --port out`,
    );
  }
  // Whoever started it may have been killed before this.
  const isReachable = lostRegions.every(({ region }) => region !== context.environment.recovery);
  if (isReachable) await context.prepare(running.endpoint);
  return { sandbox: running, isNew: false };
}

async function startNew(
  context: SandboxContext,
  { port, engine: wished }: StartWish,
): Promise<{ sandbox: Sandbox; isNew: boolean }> {
  const { stateDir, gatewayScript, engineCache, clock, environment, tell } = context;
  const engine = wished === "auto" ? await takeBest(context) : wished;
  const moto = await context.moto();
  tell("starting the sandbox …");
  const sandbox = await startSandbox({
    stateDir,
    moto,
    account: environment.account,
    lifetime: "detached",
    gatewayScript,
    clock,
    engineCache,
    ...(port === undefined ? {} : { port }),
    ...(engine === undefined ? {} : { engine }),
  });
  try {
    await context.prepare(sandbox.endpoint);
  } catch (error) {
    await sandbox.stop();
    throw error;
  }
  return { sandbox, isNew: true };
}

async function takeBest({ bestEngine, tell }: SandboxContext): Promise<EngineChoice> {
  const { engine, passedOver } = await bestEngine();
  for (const line of passedOver) tell(line);
  tell(engine === "none" ? "no engine: instances have no bodies" : `engine ${engine}`);
  return engine;
}

function printLimits({ print }: SandboxContext, limits: readonly string[]): void {
  print("it is not AWS:");
  for (const limit of limits) print(`  - ${limit}`);
}
