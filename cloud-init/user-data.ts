import { createHash } from "node:crypto";
import { gzipSync } from "fflate";
import { type MimePart, mimeArchive } from "./mime.ts";
import { renderTemplate } from "./render.ts";
import type { UserDataVariables } from "./variables.ts";

/** EC2's limit for user-data, in bytes before base64. */
export const userDataLimit = 16_384;

/** One server's user-data as text: every part filled in, in cloud-init's MIME format. */
export function renderUserData(parts: readonly MimePart[], variables: UserDataVariables): string {
  return mimeArchive(
    parts.map(({ name, content }) => ({ name, content: renderTemplate(content, variables) })),
  );
}

/**
 * User-data as EC2 is given it: compressed only when that is what brings it under the limit. The compressor is one in
 * JavaScript, so that another Node, with another zlib, gives the same bytes and replaces no server.
 */
export function encodeUserData(text: string): Uint8Array {
  const plain = Buffer.from(text);
  return plain.byteLength <= userDataLimit ? plain : gzipSync(plain, { level: 9, mtime: 0 });
}

/** SHA-256 in hex of the text, compressed or not: what a server's user-data is pinned by. */
export function userDataDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
