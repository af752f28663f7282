import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";

/**
 * Does what AWS would do and the emulator does not. Each one is a file of its own, to be replaced as a whole. A Refusal
 * that one raises is the client's answer.
 */
export interface StandIn {
  /** Answers in the emulator's place, or leaves it to the emulator. */
  answer(request: ApiRequest, emulator: Emulator): Answer | undefined | Promise<Answer | undefined>;
  /** Called after the emulator carried a request out, before the client hears of it. */
  after(request: ApiRequest, answer: Answer, emulator: Emulator): Promise<void>;
  reset(): void | Promise<void>;
}
