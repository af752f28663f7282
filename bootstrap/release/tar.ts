import { type Pack, pack } from "tar-stream";
import type { TreeEntry } from "./tree.ts";

/**
 * The canonical tar (ustar, with pax headers where a name needs one) of a role's tree, in the order given: dated
 * 1970, owners by name and number 0. The same tree gives the same bytes on every machine.
 */
export async function canonicalTar(tree: readonly TreeEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const entry of tree) {
    if (entry.kind === "file") archive.entry(header(entry), bufferOf(entry.content));
    else archive.entry(header(entry));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The same bytes, not a copy. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function header(entry: TreeEntry): Parameters<Pack["entry"]>[0] {
  const owned = { mtime: new Date(0), uid: 0, gid: 0, uname: entry.owner, gname: entry.group };
  switch (entry.kind) {
    case "file":
      return { ...owned, type: "file", name: entry.path, mode: Number.parseInt(entry.mode, 8) };
    case "link":
      return { ...owned, type: "symlink", name: entry.path, linkname: entry.target, mode: 0o777 };
    case "directory":
      return { ...owned, type: "directory", name: `${entry.path}/`, mode: Number.parseInt(entry.mode, 8) };
  }
}
