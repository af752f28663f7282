import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, jsonAnswer, send } from "./answer.ts";
import { readFaultRule } from "./fault-rule.ts";
import type { GatewayState } from "./gateway.ts";
import { limitsOf } from "./limits.ts";
import { isRegionName } from "./lost-regions.ts";
import type { BuilderOutcome, EngineChoice, LossMode, SandboxStatus } from "./protocol.ts";
import { Refusal } from "./refusal.ts";

/** Who this gateway is, and how it ends. */
export interface Identity {
  id: string;
  pid: number;
  startedAt: string;
  /** Ends the emulator and then the process, after the answer was sent. */
  stop(): void;
}

export const controlPrefix = "/_rekindle";

/** Input that is refused: becomes a 400 that says why. */
class Refused extends Error {}

/** Answers one request to the control API. */
export async function handleControl(
  state: GatewayState,
  identity: Identity,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // A browser names the page that asks; no web page has any business here.
    if (incoming.headers.origin !== undefined) throw new Refused("requests of web pages are refused");
    const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
    const path = url.pathname.slice(controlPrefix.length + 1).split("/");
    const answer = await route(state, identity, incoming, path.map(decodeURIComponent), url.searchParams);
    send(response, answer);
  } catch (error) {
    const status = error instanceof Refused || error instanceof URIError ? 400 : 500;
    send(response, jsonAnswer(status, { error: (error as Error).message }));
  }
}

async function route(
  state: GatewayState,
  identity: Identity,
  incoming: IncomingMessage,
  [area = "", name, ...rest]: string[],
  query: URLSearchParams,
): Promise<Answer> {
  const request = rest.length > 0 ? "" : `${incoming.method} ${area}${name === undefined ? "" : "/*"}`;
  switch (request) {
    case "GET status":
      return jsonAnswer(200, status(state, identity));
    case "PUT regions/*":
      return await setRegion(state, name!, await readJson(incoming));
    case "GET faults":
      return jsonAnswer(200, { faults: state.faults.list() });
    case "POST faults":
      return addFault(state, await readJson(incoming));
    case "DELETE faults":
      state.faults.clear();
      return jsonAnswer(200, { faults: [] });
    case "DELETE faults/*":
      if (state.faults.remove(name!)) return jsonAnswer(200, { removed: name });
      return jsonAnswer(404, {
        error: `there is no fault ${JSON.stringify(name)}; \`rekindle sandbox fault list\` names those that are`,
      });
    case "PUT builders":
      return setBuilders(state, await readJson(incoming));
    case "GET listeners":
      return jsonAnswer(200, { listeners: state.bodies?.listeners() ?? [] });
    case "POST disks":
      return await saveSnapshot(state, await readJson(incoming));
    case "GET requests":
      return jsonAnswer(200, state.log.since(readSince(query.get("since"))));
    case "POST reset":
      return await reset(state);
    case "POST stop":
      setImmediate(identity.stop);
      return jsonAnswer(200, { stopping: true });
    default:
      return jsonAnswer(404, { error: `the sandbox has no ${incoming.method} ${incoming.url}` });
  }
}

function status(state: GatewayState, { id, pid, startedAt }: Identity): SandboxStatus {
  const { emulator, lost, faults, builders, bodies } = state;
  const ended = emulator.ended();
  return {
    version: 1,
    id,
    pid,
    startedAt,
    moto: {
      pid: emulator.pid,
      port: emulator.port,
      alive: ended === undefined,
      ...(ended === undefined ? {} : { ended }),
    },
    lostRegions: lost.list(),
    faults: faults.list(),
    builders: builders.outcome,
    engine: (bodies?.engine.name ?? "none") as EngineChoice,
    limits: limitsOf(bodies?.engine),
  };
}

async function setRegion(
  { lost, bodies }: GatewayState,
  region: string,
  value: Record<string, unknown>,
): Promise<Answer> {
  if (!isRegionName(region))
    throw new Refused(`${JSON.stringify(region)} is not the name of a region; give one such as eu-west-1`);
  const { state, mode = "refused" } = value;
  if (state === "up") {
    lost.restore(region);
    await bodies?.restore(region);
  } else if (state === "lost") {
    lost.lose(region, oneOf<LossMode>("mode", mode, ["refused", "timeout"]));
    await bodies?.lose(region);
  } else {
    throw new Refused(`state is ${JSON.stringify(state)}; give "lost" or "up"`);
  }
  return jsonAnswer(200, { lostRegions: lost.list() });
}

function addFault({ faults }: GatewayState, value: Record<string, unknown>): Answer {
  const read = readFaultRule(value);
  if (read.kind === "wrong") throw new Refused(read.reasons.join("; "));
  return jsonAnswer(201, faults.add(read.rule));
}

/** A copy of a snapshot's data as a folder of this computer, which is the caller's to remove. */
async function saveSnapshot({ bodies }: GatewayState, { region, snapshot }: Record<string, unknown>) {
  if (bodies === undefined) throw new Refused("snapshots hold no data here: this sandbox has no engine");
  if (!isRegionName(String(region)))
    throw new Refused(`${JSON.stringify(region)} is not the name of a region; give one such as eu-west-1`);
  try {
    return jsonAnswer(200, { folder: await bodies.saveSnapshot(String(region), String(snapshot)) });
  } catch (error) {
    if (error instanceof Refusal) throw new Refused(error.message);
    throw error;
  }
}

function setBuilders({ builders, bodies }: GatewayState, { outcome }: Record<string, unknown>): Answer {
  const known = oneOf<BuilderOutcome>("outcome", outcome, ["succeeds", "fails", "never-stops"]);
  if (bodies !== undefined)
    throw new Refused("builders have bodies here, so that their own user-data decides what becomes of them");
  builders.outcome = known;
  return jsonAnswer(200, { outcome });
}

async function reset({
  emulator,
  homes,
  lost,
  faults,
  log,
  standIns,
  bodies,
}: GatewayState): Promise<Answer> {
  const ended = emulator.ended();
  if (ended !== undefined)
    return jsonAnswer(503, {
      error: `the emulator (moto_server) has ended: ${ended}; start the sandbox again`,
    });
  const Host = ["Host", `127.0.0.1:${emulator.port}`];
  // The second one: IAM is asked about nothing again, which the emulator's own reset leaves as it was.
  for (const [url, body] of [
    ["/moto-api/reset", ""],
    ["/moto-api/reset-auth", "inf"],
  ] as const) {
    const headers = [...Host, "Content-Length", String(body.length)];
    const { status } = await emulator.call({ method: "POST", url, headers, body: Buffer.from(body) });
    if (status !== 200) return jsonAnswer(502, { error: `the emulator answered ${status} to ${url}` });
  }
  homes.clear();
  faults.clear();
  lost.restoreAll();
  log.clear();
  for (const standIn of standIns) await standIn.reset();
  await bodies?.reset();
  return jsonAnswer(200, { reset: true });
}

function readSince(text: string | null): number {
  const since = Number(text ?? 0);
  if (!Number.isInteger(since) || since < 0)
    throw new Refused(`since is ${JSON.stringify(text)}; give the "next" of an earlier answer`);
  return since;
}

function oneOf<T extends string>(what: string, value: unknown, known: readonly T[]): T {
  if (!known.includes(value as T))
    throw new Refused(`${what} is ${JSON.stringify(value)}; give one of ${known.join(", ")}`);
  return value as T;
}

async function readJson(incoming: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Refused below, with what was received.
  }
  throw new Refused(`the body is not a JSON object: ${JSON.stringify(text.slice(0, 80))}`);
}
