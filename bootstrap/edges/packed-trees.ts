import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { encodeJson } from "../json.ts";
import type { PackedTrees } from "../release/packed-trees.ts";

/** Nothing when there is no record, or one that another program or version has written: it only spares work. */
export async function readPackedTrees(path: string, program: string): Promise<PackedTrees | undefined> {
  try {
    const record = JSON.parse(await readFile(path, "utf8")) as PackedTrees;
    return record.version === 1 && record.program === program ? record : undefined;
  } catch {
    return undefined;
  }
}

export async function writePackedTrees(path: string, record: PackedTrees): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, encodeJson(record));
  await rename(`${path}.${process.pid}`, path);
}
