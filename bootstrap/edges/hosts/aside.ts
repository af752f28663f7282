import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../release/digest.ts";

/**
 * Where contents wait until all of a run is known: files named by their digest, each there once and whole, however many
 * hosts have it.
 */
export interface Aside {
  put(bytes: Uint8Array): Promise<string>;
  /** The same for content that comes in parts; nothing stays of one that is cancelled. */
  begin(): Promise<{
    add(part: Uint8Array): Promise<void>;
    end(): Promise<string>;
    cancel(): Promise<void>;
  }>;
  path(sha256: string): string;
}

/** Empties the folder first: what a killed run left there is of no use. */
export async function openAside(folder: string): Promise<Aside> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = (digest: string) => join(folder, digest);
  return {
    path,
    async put(bytes) {
      const digest = sha256(bytes);
      if (existsSync(path(digest))) return digest;
      const part = join(folder, randomUUID());
      await writeFile(part, bytes).catch(async (error) => {
        await rm(part, { force: true });
        throw error;
      });
      await rename(part, path(digest));
      return digest;
    },
    async begin() {
      const part = join(folder, randomUUID());
      const file = await open(part, "wx", 0o600);
      const hash = createHash("sha256");
      return {
        async add(bytes) {
          hash.update(bytes);
          await file.writeFile(bytes);
        },
        async end() {
          await file.close();
          const digest = hash.digest("hex");
          await rename(part, path(digest));
          return digest;
        },
        async cancel() {
          await file.close();
          await rm(part, { force: true });
        },
      };
    },
  };
}
