import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { asideOf, removeAbandoned } from "../abandoned.ts";

/** Something that is made once, and is then in the cache under its digest. */
export interface Made {
  digest: string;
  /** What is done, and for how long. */
  how: string;
  /** Fills a folder that does not exist yet. */
  make(aside: string): Promise<void>;
}

/** The folder with what was made, now or before. */
export async function cachedBase(
  cache: string,
  { digest, how, make }: Made,
  say: (line: string) => void,
): Promise<string> {
  const made = join(cache, digest);
  if (existsSync(made)) return made;
  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  // Only one of those who make it at the same time can give it its name; the others use that one.
  const aside = asideOf(made);
  say(how);
  try {
    await make(aside);
    await rename(aside, made).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  say(`the base image ${digest.slice(0, 12)} is there`);
  return made;
}
