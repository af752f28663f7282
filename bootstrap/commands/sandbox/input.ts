import { InvalidArgumentError } from "commander";
import { type EngineWish, engineWishes } from "../../../sandbox/protocol.ts";

/** Readers of option values: commander adds the option's name to what they complain about. */

export function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError(
    `${JSON.stringify(text)} is not a port; give a whole number from 0 to 65535`,
  );
}

export function parseNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a number`);
}

export function parseEngine(text: string): EngineWish {
  const known = engineWishes.find((engine) => engine === text);
  if (known !== undefined) return known;
  throw new InvalidArgumentError(
    `there is no engine ${JSON.stringify(text)}; give one of ${engineWishes.join(", ")}`,
  );
}
