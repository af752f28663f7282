import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

export async function readConfigFiles(
  root: string,
): Promise<Map<string, { content: Uint8Array; mode: "0644" | "0755" }>> {
  const files = new Map<string, { content: Uint8Array; mode: "0644" | "0755" }>();
  for (const folder of ["configs", "cloud-init"]) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const mode = ((await stat(path)).mode & 0o100) !== 0 ? "0755" : "0644";
      files.set(path.slice(root.length + 1), { content: await readFile(path), mode });
    }
  }
  return files;
}
