import { createPublicKey } from "node:crypto";
import { GetPublicKeyCommand, KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { RekindleError } from "../../errors.ts";
import { publicKey } from "../../release/signature.ts";
import { readable, type Signer } from "../signers.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

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
