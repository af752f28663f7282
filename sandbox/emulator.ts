import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Agent, request } from "node:http";
import { createServer } from "node:net";
import type { Clock } from "../bootstrap/edges/clock.ts";
import type { Answer } from "./answer.ts";
import { watchdogScript } from "./watchdog.ts";

export interface EmulatorOptions {
  /** Command and first arguments; where to listen is added. */
  command: readonly string[];
  /** Everything that the emulator prints goes there. */
  logFile: string;
  /** The account that it plays; its own default when left out. */
  account: string | undefined;
  clock: Clock;
}

export interface HttpCall {
  method: string;
  url: string;
  /** Name and value in turn. */
  headers: string[];
  body: Buffer;
}

/** moto_server, as a child of the gateway. It ends with the gateway, however that ends. */
export interface Emulator {
  readonly pid: number;
  readonly port: number;
  /** Why it is no longer there, or undefined while it runs. */
  ended(): string | undefined;
  call(call: HttpCall): Promise<Answer>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

const startLimitMs = 120_000;
/** The account that moto plays when it is told of none. */
const emulatorsOwnAccount = "123456789012";

/** Resolves when it answers; rejects with its last words when it ends before. */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { clock } = options;
  const port = await freePort();
  const { child, pid } = await launch(options, port);
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      ended = signal === null ? `it exited with ${code}` : `it was killed by ${signal}`;
      resolve();
    });
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const emulator: Emulator = {
    pid,
    port,
    ended: () => ended,
    call: (call) => send(agent, port, call),
    async stop() {
      child.stdin?.destroy();
      await gone;
      agent.destroy();
    },
  };
  const start = clock.monotonic();
  while (ended === undefined) {
    if (await answers(emulator)) return emulator;
    if (clock.monotonic() - start > startLimitMs) {
      await emulator.stop();
      throw new Error(`the emulator did not answer within ${startLimitMs / 1000} s; see ${options.logFile}`);
    }
    await clock.sleep(50);
  }
  throw new Error(`the emulator ended before it answered: ${ended}; see ${options.logFile}`);
}

async function answers(emulator: Emulator): Promise<boolean> {
  try {
    const looked = await emulator.call({
      method: "GET",
      url: "/moto-api/data.json",
      headers: [],
      body: Buffer.alloc(0),
    });
    return looked.status === 200;
  } catch {
    return false;
  }
}

async function launch(
  { command, logFile, account }: EmulatorOptions,
  port: number,
): Promise<{ child: ChildProcess; pid: number }> {
  const log = openSync(logFile, "w");
  const listen = ["-H", "127.0.0.1", "-p", String(port)];
  const child = spawn("/bin/sh", ["-c", watchdogScript, "rekindle-watchdog", ...command, ...listen], {
    // A process group of its own, so that it can be ended as one.
    detached: true,
    stdio: ["pipe", "pipe", log],
    env: emulatorEnvironment(process.env, port, account),
  });
  closeSync(log);
  child.stdin?.on("error", () => undefined);
  const [line] = (await once(child.stdout!.setEncoding("utf8"), "data")) as [string];
  return { child, pid: Number.parseInt(line, 10) };
}

/** The user's own settings of moto would change what the sandbox does. */
function emulatorEnvironment(
  inherited: NodeJS.ProcessEnv,
  port: number,
  account: string | undefined,
): NodeJS.ProcessEnv {
  const own = Object.entries(inherited).filter(
    ([name]) => !/^(MOTO_|INITIAL_NO_AUTH_ACTION_COUNT$|TEST_(SERVER|PROXY)_MODE$)/.test(name),
  );
  return {
    ...Object.fromEntries(own),
    MOTO_PORT: String(port),
    // AWS's own policies are there in every account, for roles to be given.
    MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
    // Set, it is every caller's: also of those who have taken a role of another account.
    ...(account === undefined || account === emulatorsOwnAccount ? {} : { MOTO_ACCOUNT_ID: account }),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

function send(agent: Agent, port: number, { method, url, headers, body }: HttpCall): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { agent, host: "127.0.0.1", port, method, path: url, headers: headers as never, setHost: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 502,
            headers: response.rawHeaders,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}
