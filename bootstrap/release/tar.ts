import { pack } from "tar-stream";

/** A file that goes into an archive. */
export interface ArchiveFile {
  /** Relative, with forward slashes. */
  path: string;
  mode: string;
  content: Uint8Array;
}

/**
 * The canonical tar (ustar) of some files: sorted by path in code point order, owned by root, dated 1970, without
 * directories. The same files give the same bytes on every machine.
 */
export async function canonicalTar(files: readonly ArchiveFile[]): Promise<Buffer> {
  const archive = pack();
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    archive.entry(
      {
        name: file.path,
        mode: Number.parseInt(file.mode, 8),
        mtime: new Date(0),
        uid: 0,
        gid: 0,
        uname: "root",
        gname: "root",
      },
      Buffer.from(file.content),
    );
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
