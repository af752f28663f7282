import { findSecrets } from "./find.ts";

/** A text for people's eyes, with every secret's value replaced. */
export function maskSecrets(path: string, text: string): string {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end } of findSecrets(path, bytes)) {
    // Line ends stay, so that a masked text can be compared line by line.
    const lines = bytes.subarray(start, end).toString("latin1").split("\n").length;
    parts.push(bytes.subarray(at, start), Buffer.from(Array(lines).fill("********").join("\n")));
    at = end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]).toString();
}
