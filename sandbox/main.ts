import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../bootstrap/edges/clock.ts";
import { chosenEngine } from "./bodies/choose.ts";
import type { Engine } from "./bodies/engine.ts";
import type { Identity } from "./control.ts";
import { type Emulator, startEmulator } from "./emulator.ts";
import { holdsLock, stayFindable } from "./findable.ts";
import { claim, takenExitCode } from "./lock.ts";
import { engineChoices } from "./protocol.ts";
import { gatewayState, serve } from "./serving.ts";
import { type StateFiles, stateFiles, writeRecord } from "./state-files.ts";

/**
 * The gateway's process: one for each state folder, on the loopback interface only. Whatever ends it, the emulator
 * ends too; an end that it sees also removes its record and its lock.
 */
const clock = systemClock;
const options = readOptions();
mkdirSync(options.state, { recursive: true });
const files = stateFiles(options.state);
const note = (line: string) => appendFileSync(files.log, `${clock.now().toISOString()} ${line}\n`);

const claimed = await claim(files.lock, options.state);
if (claimed.kind === "taken") {
  note(`gateway ${claimed.pid} already serves this folder`);
  process.exit(takenExitCode);
}
try {
  await start(files);
} catch (error) {
  note(explain(error as Error));
  await rm(files.lock, { force: true });
  process.exit(1);
}

async function start(files: StateFiles): Promise<void> {
  // A record of a gateway that was killed; nobody may mistake it for this one's.
  await rm(files.record, { force: true });
  const server = createServer();
  await listen(server);
  let emulator: Emulator | undefined;
  let engine: Engine | undefined;
  const stop = ending(server, async () => await Promise.all([engine?.close(), emulator?.stop()]), files);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stop(signal));
  if (options.parentPipe) process.stdin.on("close", () => stop("the end of its parent")).resume();

  const places = { state: options.state, cache: options.engineCache, programs: dirname(process.argv[1]!) };
  engine = await chosenEngine(options.engine, places, note);
  const command = { command: options.moto, logFile: files.motoLog, account: options.account, clock };
  emulator = await startEmulator(command);
  const state = await gatewayState({
    clock,
    emulator,
    engine,
    folder: options.state,
    requestsFile: files.requests,
    note,
  });
  const { port } = server.address() as { port: number };
  const startedAt = clock.now().toISOString();
  const identity: Identity = {
    id: randomUUID(),
    pid: process.pid,
    startedAt,
    stop: () => stop("a request to stop"),
  };
  serve(server, state, identity);
  const { pid: motoPid, port: motoPort } = emulator;
  const record = {
    version: 1,
    id: identity.id,
    pid: process.pid,
    port,
    motoPid,
    motoPort,
    startedAt,
  } as const;
  await writeRecord(files.record, record);
  note(`serving on 127.0.0.1:${port}, emulator ${motoPid} on 127.0.0.1:${motoPort}`);
  void stayFindable(files, record, clock).then(() => stop("the loss of its folder"));
}

/** Ends everything, once, whoever asks first. */
function ending(server: Server, close: () => Promise<unknown>, files: StateFiles) {
  let stopping = false;
  return async (reason: string) => {
    if (stopping) return;
    stopping = true;
    if (await holdsLock(files)) note(`ends because of ${reason}`);
    server.close();
    await close();
    server.closeAllConnections();
    // In a folder that was removed and made anew they are another gateway's.
    if (await holdsLock(files)) {
      await rm(files.record, { force: true });
      await rm(files.lock, { force: true });
    }
    process.exit(0);
  };
}

async function listen(server: Server): Promise<void> {
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening");
  // Terraform and the SDKs keep connections for a minute and more; the gateway must not close one as they reuse it.
  server.keepAliveTimeout = 300_000;
  server.requestTimeout = 0;
}

function explain(error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE")
    return `port ${options.port} is in use; leave --port out to take a free one, or name another`;
  if (error.code === "EACCES")
    return `port ${options.port} needs rights that this user lacks; name one above 1023`;
  return error.message;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      state: { type: "string" },
      port: { type: "string", default: "0" },
      moto: { type: "string" },
      account: { type: "string" },
      engine: { type: "string", default: "none" },
      "engine-cache": { type: "string" },
      "parent-pipe": { type: "boolean", default: false },
    },
  });
  if (values.state === undefined || values.moto === undefined) {
    throw new Error(
      "usage: gateway --state <folder> --moto <json array> [--port <n>] [--account <id>] [--engine <name>] [--engine-cache <folder>] [--parent-pipe]",
    );
  }
  const engine = engineChoices.find((choice) => choice === values.engine);
  if (engine === undefined)
    throw new Error(
      `there is no engine ${JSON.stringify(values.engine)}; give one of ${engineChoices.join(", ")}`,
    );
  return {
    state: resolve(values.state),
    port: Number(values.port),
    moto: JSON.parse(values.moto) as string[],
    account: values.account,
    engine,
    engineCache: resolve(values["engine-cache"] ?? values.state),
    parentPipe: values["parent-pipe"],
  };
}
