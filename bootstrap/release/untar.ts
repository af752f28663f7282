import { extract } from "tar-stream";
import type { TreeEntry } from "./tree.ts";

/** Reads a tar back into its entries, in its order. What a release can't hold is refused: devices, hard links and the like. */
export async function readTar(tar: Uint8Array): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const archive = extract();
  archive.end(Buffer.from(tar));
  for await (const part of archive) {
    const { name, type, mode = 0, uname = "", gname = "", linkname } = part.header;
    const chunks: Buffer[] = [];
    for await (const chunk of part) chunks.push(chunk as Buffer);
    const owned = { path: name.replace(/\/$/, ""), owner: uname, group: gname };
    const octal = mode.toString(8).padStart(4, "0");
    if (type === "file")
      entries.push({ kind: "file", ...owned, mode: octal, content: Buffer.concat(chunks), template: false });
    else if (type === "symlink") entries.push({ kind: "link", ...owned, target: linkname ?? "" });
    else if (type === "directory") entries.push({ kind: "directory", ...owned, mode: octal });
    else throw new TypeError(`${name} is a ${type}, which no release holds`);
  }
  return entries;
}
