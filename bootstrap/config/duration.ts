import { z } from "zod";

export const duration = z.string().regex(/^\d+(s|m|h|d)$/, "a duration such as 90s, 15m, 4h or 1d");

const secondsOf = { s: 1, m: 60, h: 3600, d: 86400 };

/** Seconds of a duration such as `90s`, `15m`, `4h` or `1d`. */
export function durationSeconds(text: string): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count === undefined)
    throw new TypeError(`${JSON.stringify(text)} is no duration such as 90s, 15m, 4h or 1d`);
  return Number(count) * secondsOf[unit as keyof typeof secondsOf];
}
