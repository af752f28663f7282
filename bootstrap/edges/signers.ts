import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { RekindleError } from "../errors.ts";
import { type PublicKey, publicKey } from "../release/signature.ts";

/** Signs statements with one key. A retry signs again, and both signatures are good. */
export interface Signer {
  publicKey(): Promise<PublicKey>;
  sign(statement: Uint8Array): Promise<Uint8Array>;
}

/** A private key in a PEM file, Ed25519 or P-256. */
export function fileSigner(path: string): Signer {
  const key = readPrivateKey(path);
  return {
    publicKey: async () => publicHalf(path, key),
    sign: async (statement) => sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", statement, key),
  };
}

/** A new Ed25519 key in a file that only its owner can read. A file that is there is never written over. */
export function createKeyFile(path: string): PublicKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  mkdirSync(dirname(path), { recursive: true });
  try {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(path, pem, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === "EEXIST" ? "it is there already" : String(cause);
    throw new RekindleError("bad-input", `key file ${path} can't be made: ${reason}; name another file`, {
      cause,
    });
  }
  return publicHalf(path, privateKey);
}

function readPrivateKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path));
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `signing key ${path} can't be read: ${(cause as Error).message}; make one with: rekindle key new <file>`,
      { cause },
    );
  }
}

function publicHalf(what: string, key: KeyObject): PublicKey {
  return readable(what, () =>
    publicKey(createPublicKey(key).export({ type: "spki", format: "pem" }).toString()),
  );
}

/** Turns the reason why a key signs no release into an error that says so. */
export function readable(what: string, read: () => PublicKey): PublicKey {
  try {
    return read();
  } catch (cause) {
    throw new RekindleError(
      "bad-input",
      `${what} can't sign a release: ${(cause as Error).message}; use an Ed25519 or a P-256 key`,
      { cause },
    );
  }
}
