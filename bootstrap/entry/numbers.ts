import { durationSeconds } from "../config/duration.ts";
import { RekindleError } from "../errors.ts";

/** Numbers as options give them. */

export function seconds(option: string, text: string): number {
  if (/^\d+(s|m|h|d)$/.test(text)) return durationSeconds(text);
  throw new RekindleError(
    "bad-input",
    `${option} ${JSON.stringify(text)} is no duration; give one such as 90s, 15m or 4h`,
  );
}

export function positive(option: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new RekindleError(
    "bad-input",
    `${option} ${JSON.stringify(text)} is no number from 1 to 9999; give one such as 8`,
  );
}
