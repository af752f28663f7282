import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../bootstrap/edges/clock.ts";
import { type Answer, send } from "./answer.ts";
import { type ApiRequest, readApiRequest } from "./api-request.ts";
import type { Bodies } from "./bodies/bodies.ts";
import type { BucketHomes } from "./bucket-homes.ts";
import type { BuilderStandIn } from "./builder-stand-in.ts";
import { corrected } from "./corrections.ts";
import type { Emulator } from "./emulator.ts";
import { errorAnswer } from "./error-answer.ts";
import type { Faults, Hit } from "./faults.ts";
import type { LostRegions } from "./lost-regions.ts";
import { neededRegions } from "./needed-regions.ts";
import { emulatorEndedHeader, type LossMode, type RequestOutcome } from "./protocol.ts";
import { Refusal } from "./refusal.ts";
import type { RequestLog } from "./request-log.ts";
import { forwardAcrossAccounts } from "./shared-copies.ts";
import type { StandIn } from "./stand-in.ts";

/** Everything that the gateway knows; the control API changes it, requests are decided by it. */
export interface GatewayState {
  clock: Clock;
  emulator: Emulator;
  homes: BucketHomes;
  lost: LostRegions;
  faults: Faults;
  log: RequestLog;
  builders: BuilderStandIn;
  /** Nothing when the sandbox runs without an engine. */
  bodies: Bodies | undefined;
  standIns: readonly StandIn[];
  /** Tells the gateway's own log. */
  note(line: string): void;
}

/** What becomes of a request. Deciding changes nothing but the spacing of faults. */
type Fate =
  | { kind: "unanswered"; region: string; mode: LossMode }
  | { kind: "source-lost"; region: string }
  | { kind: "hit"; hit: Hit }
  | { kind: "forwarded" };

/** Takes one request to the emulated AWS from its arrival to the log. */
export async function handleApiRequest(
  state: GatewayState,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { clock } = state;
  const time = clock.now().toISOString();
  const start = clock.monotonic();
  const request = await readApiRequest(incoming);
  const place = state.homes.of(request.bucket) ?? request.region;
  const record = (region: string, outcome: RequestOutcome, answer?: Answer) =>
    state.log.append({
      time,
      service: request.service,
      action: request.action,
      region,
      status: answer?.status ?? 0,
      bytes: request.body.length + (answer?.body.length ?? 0),
      milliseconds: Math.round((clock.monotonic() - start) * 10) / 10,
      outcome,
    });

  const fate = decide(state, request, place);
  if (fate.kind === "unanswered") {
    // Logged at once: a report must see it although nobody ever answers it.
    record(fate.region, "lost");
    return leaveUnanswered(state, response, fate);
  }
  if (fate.kind === "source-lost") {
    const answer = sourceLost(request, fate.region);
    record(fate.region, "lost", answer);
    return send(response, answer);
  }
  if (fate.kind === "hit") {
    await clock.sleep(fate.hit.delayMs);
    if (fate.hit.kind === "reset") {
      record(place, "fault");
      response.socket?.destroy();
      return;
    }
  }
  const injected = fate.kind === "hit" ? faultAnswer(request, fate.hit) : undefined;
  const answer = injected ?? (await carryOut(state, request));
  record(place, fate.kind === "hit" ? "fault" : "forwarded", answer);
  send(response, answer);
}

function decide({ homes, lost, faults }: GatewayState, request: ApiRequest, region: string): Fate {
  const { contacted, read } = neededRegions(request, homes);
  const unreachable = lost.firstOf(contacted);
  if (unreachable !== undefined) return { kind: "unanswered", ...unreachable };
  const source = lost.firstOf(read);
  if (source !== undefined) return { kind: "source-lost", region: source.region };
  const hit = faults.strike({ service: request.service, action: request.action, region });
  return hit === undefined ? { kind: "forwarded" } : { kind: "hit", hit };
}

function leaveUnanswered(
  { lost }: GatewayState,
  response: ServerResponse,
  { region, mode }: { region: string; mode: LossMode },
): void {
  if (mode === "refused") {
    response.socket?.destroy();
    return;
  }
  const forget = lost.hold(region, () => response.socket?.destroy());
  response.on("close", forget);
}

function sourceLost(request: ApiRequest, region: string): Answer {
  const message = `${request.action} reads from ${region}, and region ${region} is lost; copy what you need before a region is lost`;
  return errorAnswer(request, { kind: "invalid", message });
}

function faultAnswer(request: ApiRequest, { kind }: Hit): Answer | undefined {
  switch (kind) {
    case "throttle":
      return errorAnswer(request, { kind: "throttle" });
    case "500":
      return errorAnswer(request, { kind: "internal" });
    case "503":
      return errorAnswer(request, {
        kind: "unavailable",
        message: "Service unavailable (injected by the sandbox)",
      });
    case "capacity":
      return errorAnswer(request, { kind: "no-room", instanceType: request.form.get("InstanceType") ?? "" });
    default:
      return undefined;
  }
}

/** Lets a stand-in answer, else the emulator; then lets the stand-ins finish what the emulator leaves undone. */
async function carryOut(state: GatewayState, request: ApiRequest): Promise<Answer> {
  const { emulator, homes, standIns } = state;
  try {
    for (const standIn of standIns) {
      const answer = await standIn.answer(request, emulator);
      if (answer !== undefined) return answer;
    }
    const answer = await forwardAcrossAccounts(emulator, corrected(request));
    if (answer.status >= 300) return answer;
    homes.learn(request);
    for (const standIn of standIns) await standIn.after(request, answer, emulator);
    return answer;
  } catch (error) {
    if (error instanceof Refusal) {
      state.note(`${request.service} ${request.action} in ${request.region} is refused: ${error.message}`);
      return errorAnswer(request, { kind: "refused", code: error.code, message: error.message });
    }
    state.note(`${request.service} ${request.action} in ${request.region}: ${(error as Error).message}`);
    return emulatorFailure(request, emulator.ended(), error as Error);
  }
}

function emulatorFailure(request: ApiRequest, ended: string | undefined, error: Error): Answer {
  if (ended === undefined) {
    const message = `the emulator (moto_server) did not answer: ${error.message}; see moto.log in the sandbox's folder`;
    return errorAnswer(request, { kind: "unavailable", message });
  }
  // One that has ended stays so: clients that repeat what is unavailable would do that for minutes.
  const message = `the emulator (moto_server) has ended: ${ended}; start the sandbox again`;
  const answer = errorAnswer(request, { kind: "invalid", message });
  return { ...answer, headers: [...answer.headers, emulatorEndedHeader, ended] };
}
