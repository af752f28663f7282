import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { afterAll, describe, expect, test } from "vitest";
import { kmsSigner } from "../../bootstrap/edges/aws/kms-signer.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { createKeyFile, fileSigner, type Signer } from "../../bootstrap/edges/signers.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { isSignedBy, statement } from "../../bootstrap/release/signature.ts";
import { recovery } from "../builders.ts";
import { runningSandbox } from "../sandbox/gateway.ts";

const folder = mkdtempSync(join(tmpdir(), "rekindle-keys-"));
const sandbox = runningSandbox();
afterAll(() => rmSync(folder, { recursive: true }));

const openssl = (...args: string[]) =>
  execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
let files = 0;
const aFile = (name: string) => join(folder, `${files++}-${name}`);

async function ofKms(): Promise<Signer> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const kms = new KMSClient({ region: recovery, endpoint: sandbox().endpoint, credentials });
  const created = await kms.send(new CreateKeyCommand({ KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY" }));
  await kms.send(
    new CreateAliasCommand({
      AliasName: "alias/rekindle-shop-signing",
      TargetKeyId: created.KeyMetadata!.KeyId!,
    }),
  );
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  return kmsSigner(access, recovery, "alias/rekindle-shop-signing");
}

describe.each<[string, () => Promise<Signer>]>([
  [
    "a new key file",
    async () => {
      const path = aFile("key.pem");
      createKeyFile(path);
      return fileSigner(path);
    },
  ],
  [
    "a P-256 key file of openssl's",
    async () => {
      const path = aFile("ec.pem");
      openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path);
      return fileSigner(path);
    },
  ],
  ["a KMS key", ofKms],
])("%s", (_name, open) => {
  const digest = "ab".repeat(32);

  test("signs what its public half can check", async () => {
    const signer = await open();
    const key = await signer.publicKey();
    const signature = await signer.sign(statement(digest));
    expect(isSignedBy(key, digest, signature)).toBe(true);
    expect(isSignedBy(key, "cd".repeat(32), signature)).toBe(false);
    const flipped = Buffer.from(signature);
    flipped[flipped.length - 1]! ^= 1;
    expect(isSignedBy(key, digest, flipped)).toBe(false);
  });

  test("signs what openssl alone can check", async () => {
    const signer = await open();
    const [keyFile, text, signature] = [aFile("public.pem"), aFile("statement"), aFile("signature")];
    writeFileSync(keyFile, (await signer.publicKey()).pem);
    writeFileSync(text, statement(digest));
    writeFileSync(signature, await signer.sign(statement(digest)));
    const args = ["pkeyutl", "-verify", "-pubin", "-inkey", keyFile, "-rawin", "-sigfile", signature, "-in"];
    expect(openssl(...args, text)).toContain("Signature Verified Successfully");
    writeFileSync(text, statement("cd".repeat(32)));
    expect(() => openssl(...args, text)).toThrow();
  });
});

describe("a key file", () => {
  test("can be read by its owner only, and is never written over", () => {
    const path = aFile("key.pem");
    createKeyFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => createKeyFile(path)).toThrow("it is there already");
  });

  test("that is none is refused with the next move", () => {
    const path = aFile("key.pem");
    writeFileSync(path, "hello");
    expect(() => fileSigner(path)).toThrow(/can't be read: .*make one with: rekindle key new <file>/);
  });

  test("of another kind is refused", async () => {
    const path = aFile("rsa.pem");
    openssl("genpkey", "-algorithm", "RSA", "-out", path);
    await expect(fileSigner(path).publicKey()).rejects.toThrow("use an Ed25519 or a P-256 key");
  });
});

test("a KMS key that is not there is refused with the next move", async () => {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const access = { endpoint: sandbox().endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  await expect(kmsSigner(access, recovery, "alias/nothing").publicKey()).rejects.toThrow(
    "has no key alias/nothing to sign with; deploy the foundation",
  );
});
