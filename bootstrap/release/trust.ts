import type { ConfigFiles } from "../config/files.ts";
import type { Fault } from "../errors.ts";
import type { RecipeFile } from "../image/recipe.ts";
import { type PublicKey, publicKey } from "./signature.ts";

/** The public keys that servers accept a release from: `configs/keys/*.pem`. Any one of them is enough. */
const folder = "configs/keys/";

/** Path of a trusted key in the repository. */
export function trustedKeyPath({ id }: PublicKey): string {
  return `${folder}${id}.pem`;
}

/** A commit's files as if it trusted one more key. */
export function withTrustedKey(files: ConfigFiles, key: PublicKey): ConfigFiles {
  return new Map([...files, [trustedKeyPath(key), { content: Buffer.from(key.pem), mode: "0644" }]]);
}

/** Sorted by id. `keyFaults` has seen to it that all of them can be read. */
export function trustedKeys(files: ConfigFiles): PublicKey[] {
  return keyFiles(files)
    .map(({ pem }) => publicKey(pem))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The same keys as every golden image carries them. */
export function trustedKeyFiles(files: ConfigFiles): RecipeFile[] {
  return trustedKeys(files).map(({ id, pem }) => ({
    path: `/etc/rekindle/keys/${id}.pem`,
    mode: "0644",
    content: Buffer.from(pem),
  }));
}

/** A key that can't be read would be missing on every server, and nobody would notice before the worst day. */
export function keyFaults(files: ConfigFiles): Fault[] {
  return keyFiles(files).flatMap(({ path, pem }) => {
    try {
      publicKey(pem);
      return [];
    } catch (error) {
      const message = `no key that a release can be checked with: ${(error as Error).message}`;
      const move = "put an Ed25519 or P-256 public key here: `rekindle key trust` writes it";
      return [{ place: { file: path, line: 1, column: 1 }, message, move }];
    }
  });
}

function keyFiles(files: ConfigFiles): { path: string; pem: string }[] {
  return [...files]
    .filter(([path]) => path.startsWith(folder) && path.endsWith(".pem"))
    .map(([path, { content }]) => ({ path, pem: Buffer.from(content).toString() }));
}
