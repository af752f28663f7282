import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Has Terraform forget that a stack's folder was last used for another environment: it would ask where to move the
 * state, and each environment's stays in its own bucket.
 */
export async function forgetOtherBackends(outdir: string, bucket: string): Promise<void> {
  const stacks = join(outdir, "stacks");
  const names = await readdir(stacks).catch(() => []);
  await Promise.all(
    names.map(async (name) => {
      const path = join(stacks, name, ".terraform", "terraform.tfstate");
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text !== undefined && bucketIn(text) !== bucket) await rm(path, { force: true });
    }),
  );
}

/** Of a file that can't be read nothing is lost: `terraform init` writes it anew. */
function bucketIn(text: string): string | undefined {
  try {
    return JSON.parse(text).backend?.config?.bucket;
  } catch {
    return undefined;
  }
}
