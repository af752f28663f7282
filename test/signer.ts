import { generateKeyPairSync, sign } from "node:crypto";
import type { Signer } from "../bootstrap/edges/signers.ts";
import { type PublicKey, publicKey } from "../bootstrap/release/signature.ts";

/** A signer with a new Ed25519 key that lives as long as the test. */
export function aSigner(): { signer: Signer; trusted: [PublicKey] } {
  const pair = generateKeyPairSync("ed25519");
  const key = publicKey(pair.publicKey.export({ type: "spki", format: "pem" }).toString());
  return {
    signer: { publicKey: async () => key, sign: async (text) => sign(null, text, pair.privateKey) },
    trusted: [key],
  };
}
