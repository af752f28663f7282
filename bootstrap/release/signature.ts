import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { sha256 } from "./digest.ts";

/**
 * Signatures of manifests. What is signed is one line, as `sha256sum` writes and reads it, so that anyone can check it
 * with openssl and sha256sum. Keys are Ed25519, or ECDSA on P-256 with SHA-256: what AWS KMS and `openssl pkeyutl
 * -rawin` both have.
 */
export interface PublicKey {
  /** The first 16 hex digits of the SHA-256 of the key's SPKI, in DER. */
  id: string;
  /** SPKI as PEM. */
  pem: string;
}

/** Reads a public key. Throws a TypeError that says why when it is none that releases are signed with. */
export function publicKey(pem: string): PublicKey {
  const key = parse(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type !== "ed25519" && !(type === "ec" && details?.namedCurve === "prime256v1"))
    throw new TypeError(
      `it is ${type ?? "of no known kind"}${details?.namedCurve ? ` on ${details.namedCurve}` : ""}`,
    );
  return {
    id: sha256(key.export({ type: "spki", format: "der" })).slice(0, 16),
    pem: key.export({ type: "spki", format: "pem" }).toString(),
  };
}

function parse(pem: string): KeyObject {
  if (/PRIVATE KEY/.test(pem)) throw new TypeError("it is a private key");
  try {
    return createPublicKey(pem);
  } catch {
    throw new TypeError("it is no public key in PEM");
  }
}

/** The line that is signed for a manifest. */
export function statement(manifestSha256: string): Buffer {
  return Buffer.from(`${manifestSha256}  manifest.json\n`);
}

export function signatureKey(release: string, keyId: string): string {
  return `releases/${release}/signatures/${keyId}.sig`;
}

export function isSignedBy({ pem }: PublicKey, manifestSha256: string, signature: Uint8Array): boolean {
  const key = createPublicKey(pem);
  const algorithm = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return verify(algorithm, statement(manifestSha256), key, signature);
}
