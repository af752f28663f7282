import { rm } from "node:fs/promises";
import { decodeJson, encodeJson } from "../../json.ts";
import { readText, replaceText } from "./role-files.ts";

/**
 * What a run is about to do, noted before it does it: whoever comes after a killed one knows that what lies in the work
 * tree uncommitted is not a user's.
 */
export interface Intention {
  version: 1;
  /** Roles whose files in the work tree are a run's. */
  roles: string[];
  /** A commit that nobody has announced yet. */
  announce?: string;
}

export async function readIntention(path: string): Promise<Intention> {
  const text = await readText(path);
  if (text === undefined) return { version: 1, roles: [] };
  return decodeJson<Intention>(path, text, 1);
}

export async function noteIntention(path: string, intention: Intention): Promise<void> {
  if (intention.roles.length === 0 && intention.announce === undefined) await rm(path, { force: true });
  else await replaceText(path, encodeJson(intention));
}
