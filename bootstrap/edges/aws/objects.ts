import {
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** An object as it was read: its bytes, and what later writes can be made conditional on. */
export interface StoredObject {
  body: Buffer;
  etag: string;
  versionId: string;
}

/** One version of an object; `at` is in ISO 8601. */
export interface ObjectVersion {
  versionId: string;
  at: string;
  kind: "content" | "deletion";
}

/**
 * One versioned bucket. Reads after writes see them. Every write is conditional, so that nothing is overwritten
 * unseen; a write that was retried by the SDK after it had landed counts as done.
 */
export interface ObjectStore {
  readonly region: string;
  readonly bucket: string;
  /** Refuses a bucket that is not there, not versioned, in another region or of another account. */
  inspect(): Promise<void>;
  /** Creates the object; when the key is taken, tells the version that holds it and writes nothing. */
  create(
    key: string,
    body: Uint8Array,
    sha256: string,
  ): Promise<{ kind: "created" | "exists"; versionId: string }>;
  /** The newest version, or the one that is named; nothing when there is none, or a deletion is the newest. */
  get(key: string, versionId?: string): Promise<StoredObject | undefined>;
  /** Every version that still is there, the newest first; a deletion has no content. */
  versions(key: string): Promise<ObjectVersion[]>;
  /** The digest that was given at creation, with its version; nothing when the key is free. */
  head(key: string): Promise<{ sha256: string | undefined; versionId: string } | undefined>;
  /** Compare-and-swap: writes only when the object still has this etag, or is still absent for `undefined`. */
  swap(key: string, body: Uint8Array, etag: string | undefined): Promise<"swapped" | "moved">;
  /** Every key below a prefix, sorted. */
  list(prefix: string): Promise<string[]>;
}

/** The real thing. `account` is demanded of every bucket that is touched (S3's ExpectedBucketOwner). */
export function s3Store(access: AwsAccess, region: string, bucket: string, account: string): ObjectStore {
  const s3 = connected(
    new S3Client({ ...clientConfig(access, region), forcePathStyle: access.endpoint !== undefined }),
    access,
    region,
  );
  const place = { Bucket: bucket, ExpectedBucketOwner: account };

  async function head(key: string) {
    try {
      const found = await s3.send(new HeadObjectCommand({ ...place, Key: key }));
      return { sha256: found.Metadata?.sha256, versionId: found.VersionId ?? "" };
    } catch (error) {
      if (errorCode(error) === "NotFound" || errorCode(error) === "NoSuchKey") return undefined;
      throw error;
    }
  }

  return {
    region,
    bucket,
    head,
    async inspect() {
      await inspectBucket(s3, bucket, region, account);
    },
    async create(key, body, sha256) {
      try {
        const put = await s3.send(
          new PutObjectCommand({ ...place, Key: key, Body: body, IfNoneMatch: "*", Metadata: { sha256 } }),
        );
        return { kind: "created", versionId: put.VersionId ?? "" };
      } catch (error) {
        if (!isConditionFailure(error)) throw error;
        const existing = await head(key);
        return { kind: "exists", versionId: existing?.versionId ?? "" };
      }
    },
    async get(key, versionId) {
      try {
        const version = versionId === undefined ? {} : { VersionId: versionId };
        const found = await s3.send(new GetObjectCommand({ ...place, Key: key, ...version }));
        return {
          body: Buffer.from(await found.Body!.transformToByteArray()),
          etag: found.ETag ?? "",
          versionId: found.VersionId ?? "",
        };
      } catch (error) {
        if (["NoSuchKey", "NoSuchVersion"].includes(errorCode(error))) return undefined;
        throw error;
      }
    },
    async versions(key) {
      const found: (ObjectVersion & { isLatest: boolean })[] = [];
      let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
      while (from !== undefined) {
        const page: ListObjectVersionsCommandOutput = await s3.send(
          new ListObjectVersionsCommand({ ...place, Prefix: key, ...from }),
        );
        for (const [kind, versions] of [
          ["content", page.Versions ?? []],
          ["deletion", page.DeleteMarkers ?? []],
        ] as const) {
          for (const { Key, VersionId, LastModified, IsLatest = false } of versions) {
            if (Key !== key) continue;
            found.push({ kind, versionId: VersionId!, at: LastModified!.toISOString(), isLatest: IsLatest });
          }
        }
        from =
          page.NextKeyMarker === undefined
            ? undefined
            : { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker! };
      }
      // Times are whole seconds; S3 itself says which one is the newest.
      return found
        .sort((a, b) => Number(b.isLatest) - Number(a.isLatest) || (a.at > b.at ? -1 : 1))
        .map(({ isLatest: _isLatest, ...version }) => version);
    },
    async swap(key, body, etag) {
      const condition = etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag };
      try {
        await s3.send(
          new PutObjectCommand({
            ...place,
            Key: key,
            Body: body,
            ContentType: "application/json",
            ...condition,
          }),
        );
        return "swapped";
      } catch (error) {
        if (isConditionFailure(error)) return "moved";
        throw error;
      }
    },
    async list(prefix) {
      const keys: string[] = [];
      let token: string | undefined;
      do {
        const page = await s3.send(
          new ListObjectsV2Command({
            ...place,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        keys.push(...(page.Contents ?? []).map(({ Key }) => Key!));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return keys.sort();
    },
  };
}

function isConditionFailure(error: unknown): boolean {
  return ["PreconditionFailed", "ConditionalRequestConflict"].includes(errorCode(error));
}

async function inspectBucket(s3: S3Client, bucket: string, region: string, account: string): Promise<void> {
  const refuse = (why: string, move: string) =>
    new RekindleError("refused", `bucket ${bucket} in ${region} ${why}; nothing was written; ${move}`);
  try {
    const found = await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: account }));
    if (found.BucketRegion !== undefined && found.BucketRegion !== region) {
      throw refuse(
        `lies in region ${found.BucketRegion}`,
        "correct the environment's regions, or the bucket",
      );
    }
  } catch (error) {
    if (["NotFound", "NoSuchBucket"].includes(errorCode(error))) {
      throw refuse("does not exist", "deploy the foundation first: npx cdktf deploy foundation-stack");
    }
    if (["PermanentRedirect", "301"].includes(errorCode(error))) {
      throw refuse("lies in another region", "correct the environment's regions, or the bucket");
    }
    if (["Forbidden", "AccessDenied", "403"].includes(errorCode(error))) {
      throw refuse(
        `does not belong to account ${account}, or these credentials may not read it`,
        "check the profile in use",
      );
    }
    throw error;
  }
  const versioning = await s3.send(
    new GetBucketVersioningCommand({ Bucket: bucket, ExpectedBucketOwner: account }),
  );
  if (versioning.Status !== "Enabled") {
    throw refuse(
      `has versioning ${versioning.Status ?? "off"}`,
      "deploy the foundation again: npx cdktf deploy foundation-stack",
    );
  }
}
