import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a folder's state is kept, for messages: `s3://bucket/key`, or a path. */
export async function stateLocation(dir: string): Promise<string> {
  // What `terraform init` bound the folder to, which is where the state really is.
  const bound = await readJson<{ backend?: { type: string; config: BackendConfig } }>(
    join(dir, ".terraform", "terraform.tfstate"),
  );
  const backend = bound?.backend;
  if (backend?.type === "s3" && backend.config.bucket && backend.config.key) {
    return `s3://${backend.config.bucket}/${backend.config.key}`;
  }
  if (backend === undefined || backend.type === "local")
    return backend?.config.path ?? join(dir, "terraform.tfstate");
  return `its ${backend.type} backend`;
}

interface BackendConfig {
  bucket?: string | null;
  key?: string | null;
  path?: string | null;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}
