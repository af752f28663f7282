import { gunzipSync, gzipSync } from "node:zlib";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { restoreIntact, verifyRelease } from "../../bootstrap/commands/verify-release.ts";
import { manifestKey } from "../../bootstrap/release/release.ts";
import { signatureKey } from "../../bootstrap/release/signature.ts";
import { aTopology, recovery } from "../builders.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { aSigner } from "../signer.ts";
import { publishIn, testField } from "./field.ts";

const sandbox = runningSandbox();

/** A published release, and ways to spoil what the recovery region's bucket has of it. */
async function published() {
  const field = await testField(sandbox(), aTopology());
  const { release } = await publishIn(field);
  const catalogs = [field.cloud.recovery.catalog, field.cloud.primary.catalog];
  const { store } = catalogs[0]!;
  const { pin, manifest } = (await catalogs[0]!.manifest(release))!;
  const { s3 } = clients(sandbox().endpoint, recovery);
  const { trusted } = field.shared;
  return {
    release,
    catalogs,
    bundle: manifest.roles.web!.bundle.key,
    manifest: manifestKey(release),
    signature: signatureKey(release, trusted[0]!.id),
    verify: (changes = {}) =>
      verifyRelease({ release, pinned: { [recovery]: pin.sha256 }, catalogs, trusted, ...changes }),
    overwrite: async (key: string, spoil: (body: Buffer) => Buffer) => {
      const Body = spoil((await store.get(key))!.body);
      await s3.send(new PutObjectCommand({ Bucket: store.bucket, Key: key, Body }));
    },
    remove: async (key: string, VersionId?: string) => {
      await s3.send(new DeleteObjectCommand({ Bucket: store.bucket, Key: key, VersionId }));
    },
    versionOf: async (key: string) => (await store.versions(key))[0]!.versionId,
  };
}

function flipped(body: Buffer, at = body.length >> 1): Buffer {
  const copy = Buffer.from(body);
  copy[at]! ^= 1;
  return copy;
}

test("a release that nobody touched is as it was published, in every region", async () => {
  const { verify, release } = await published();
  const verified = await verify();
  expect(verified).toMatchObject({ release, damage: [], intact: 6 });
  expect(Object.values(verified.signatures).map((keys) => keys.length)).toEqual([1, 1]);
});

describe.each([
  ["a bundle", "bundle"],
  ["the manifest", "manifest"],
  ["a signature", "signature"],
] as const)("%s", (_name, which) => {
  test("that was overwritten is named, with its intact version, and can be put back", async () => {
    const bucket = await published();
    const before = await bucket.versionOf(bucket[which]);
    await bucket.overwrite(bucket[which], (body) => flipped(body));
    const { damage, intact } = await bucket.verify();
    expect(damage).toMatchObject([{ region: recovery, key: bucket[which], intact: { versionId: before } }]);
    expect(damage[0]!.fault).toMatch(/^the newest version: /);
    expect(intact).toBe(which === "signature" ? 6 : 5);
    await restoreIntact(bucket.catalogs, damage);
    expect((await bucket.verify()).damage).toEqual([]);
  });

  test("that was deleted is named, with its intact version, and can be put back", async () => {
    const bucket = await published();
    const before = await bucket.versionOf(bucket[which]);
    await bucket.remove(bucket[which]);
    const { damage } = await bucket.verify();
    expect(damage).toMatchObject([
      { key: bucket[which], fault: "the newest version: it was deleted", intact: { versionId: before } },
    ]);
    await restoreIntact(bucket.catalogs, damage);
    expect((await bucket.verify()).damage).toEqual([]);
  });
});

test("a bundle that was deleted with all of its versions is gone", async () => {
  const bucket = await published();
  await bucket.remove(bucket.bundle, await bucket.versionOf(bucket.bundle));
  const { damage } = await bucket.verify();
  expect(damage).toMatchObject([{ key: bucket.bundle, fault: "it is gone, with all of its versions" }]);
  expect(damage[0]!.intact).toBeUndefined();
});

test("a bundle is found out by any bit of its tar", async () => {
  const bucket = await published();
  const original = (await bucket.catalogs[0]!.store.get(bucket.bundle))!.body;
  const { length } = gunzipSync(original);
  for (const at of [0, 124, 257, 512, length - 1]) {
    await bucket.overwrite(bucket.bundle, () => gzipSync(flipped(gunzipSync(original), at)));
    expect((await bucket.verify()).damage[0]!.fault).toContain("its tar's digest is");
  }
});

test("a signature that was tampered with is not counted among the good ones", async () => {
  const bucket = await published();
  await bucket.overwrite(bucket.signature, (body) => flipped(body));
  const { damage, signatures } = await bucket.verify();
  expect(damage).toMatchObject([
    { key: bucket.signature, fault: "the newest version: it is no signature of the manifest" },
  ]);
  expect(signatures[recovery]).toEqual([]);
});

test("a manifest that no signature is left of is not signed", async () => {
  const bucket = await published();
  await bucket.remove(bucket.signature, await bucket.versionOf(bucket.signature));
  const { damage } = await bucket.verify();
  expect(damage).toMatchObject([{ key: bucket.manifest }]);
  expect(damage[0]!.fault).toContain("no trusted key has signed it");
});

test("another region's manifest, replayed with its signature, is found out", async () => {
  const bucket = await published();
  const { store: other } = bucket.catalogs[1]!;
  for (const key of [bucket.manifest, bucket.signature]) {
    const { body } = (await other.get(key))!;
    await bucket.overwrite(key, () => body);
  }
  const { damage } = await bucket.verify({ pinned: {} });
  expect(damage[0]).toMatchObject({ key: bucket.manifest, intact: {} });
  expect(damage[0]!.fault).toMatch(/^the newest version: it is the manifest of region /);
});

test("a key that is not trusted proves nothing", async () => {
  const { verify } = await published();
  const { damage } = await verify({ trusted: aSigner().trusted });
  expect(damage).toHaveLength(2);
});
