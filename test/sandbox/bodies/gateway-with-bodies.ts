import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { connectSandbox, type Sandbox } from "../../../bootstrap/edges/sandbox/client.ts";
import { type Emulator, startEmulator } from "../../../sandbox/emulator.ts";
import { gatewayState, serve } from "../../../sandbox/serving.ts";
import { FakeEngine } from "../../fakes/fake-engine.ts";
import { clients } from "../clients.ts";

/** A gateway of this process before a real emulator, with the fake engine in reach of the test; empty before each. */
export function sandboxWithBodies() {
  let folder = "";
  let emulator: Emulator | undefined;
  let engine: FakeEngine | undefined;
  let sandbox: Sandbox | undefined;
  const notes: string[] = [];
  const server = createServer();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-bodies-"));
    engine = await FakeEngine.create();
    const logFile = join(folder, "moto.log");
    emulator = await startEmulator({
      // Loading the public images takes seconds a region and reset, and no test here needs to find one.
      command: ["env", "MOTO_EC2_LOAD_DEFAULT_AMIS=false", "moto_server"],
      logFile,
      account: undefined,
      clock: systemClock,
    });
    const state = await gatewayState({
      clock: systemClock,
      emulator,
      engine,
      folder,
      requestsFile: join(folder, "requests.jsonl"),
      note: (line) => void notes.push(line),
    });
    const id = randomUUID();
    serve(server, state, { id, pid: process.pid, startedAt: "", stop: () => undefined });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    sandbox = connectSandbox({ endpoint, stateDir: folder, pid: process.pid, id }, systemClock);
  }, 120_000);

  beforeEach(async () => {
    engine!.bootFails = undefined;
    await sandbox!.reset();
    engine!.machines.length = 0;
  });

  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await engine?.close();
    await emulator?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  return {
    engine: () => engine!,
    sandbox: () => sandbox!,
    notes,
    aws: (region = "eu-west-1") => clients(sandbox!.endpoint, region),
  };
}
