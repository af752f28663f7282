import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asideOf, removeAbandoned } from "../abandoned.ts";
import type { Disk, Engine, EngineRegion } from "../bodies/engine.ts";

/** Golden images by their recipe's digest, kept from one run to the next. Each engine has its own. */
export interface SavedImages {
  find(recipe: string): Promise<Disk | undefined>;
  save(recipe: string, image: Disk): Promise<void>;
}

export function savedImages(
  cache: string,
  { name, baseDigest }: Pick<Engine, "name" | "baseDigest">,
  region: EngineRegion,
): SavedImages {
  // What was baked on another base is another image.
  const place = (recipe: string) => join(cache, `${name}-${baseDigest.slice(0, 12)}-${recipe}`);
  return {
    async find(recipe) {
      const folder = place(recipe);
      if (!existsSync(folder)) return undefined;
      // Its base may have been removed meanwhile: then it is baked again.
      return await region.load(folder).catch(() => undefined);
    },
    async save(recipe, image) {
      const folder = place(recipe);
      const aside = asideOf(folder);
      await mkdir(dirname(folder), { recursive: true });
      await removeAbandoned(dirname(folder));
      try {
        await region.save(image, aside);
        await rm(folder, { recursive: true, force: true });
        await rename(aside, folder).catch((error: NodeJS.ErrnoException) => {
          // Another run has baked the same one: that is as good.
          if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
        });
      } finally {
        await rm(aside, { recursive: true, force: true });
      }
    },
  };
}
