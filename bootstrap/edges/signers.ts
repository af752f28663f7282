import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { RekindleError } from "../errors.ts";
import { type PublicKey, publicKey } from "../release/signature.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./aws/access.ts";

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

/** An asymmetric KMS key, by alias, id or ARN: ECC_NIST_P256 for SIGN_VERIFY. The private half never leaves KMS. */
export function kmsSigner(access: AwsAccess, region: string, id: string): Signer {
  const kms = connected(new KMSClient(clientConfig(access, region)), access, region);
  const ask = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      if (errorCode(error) !== "NotFoundException") throw error;
      throw new RekindleError(
        "refused",
        `region ${region} has no key ${id} to sign with; deploy the foundation, or name a key in REKINDLE_SIGNING_KEY`,
        { cause: error },
      );
    }
  };
  return {
    async publicKey() {
      const { PublicKey: der } = await ask(kms.send(new GetPublicKeyCommand({ KeyId: id })));
      const key = createPublicKey({ key: Buffer.from(der!), format: "der", type: "spki" });
      return readable(`KMS key ${id}`, () =>
        publicKey(key.export({ type: "spki", format: "pem" }).toString()),
      );
    },
    async sign(statement) {
      const signed = await ask(
        kms.send(new SignCommand({ KeyId: id, Message: statement, SigningAlgorithm: "ECDSA_SHA_256" })),
      );
      return signed.Signature!;
    },
  };
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

function readable(what: string, read: () => PublicKey): PublicKey {
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
