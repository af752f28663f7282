import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { HostFailure } from "../../collect/failure.ts";
import { inboxPrefix } from "../../collect/inbox-key.ts";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "../aws/access.ts";
import type { Source } from "./source.ts";

/** The part of a bucket that hosts push their configuration to. Whoever pushes may write there, and nothing else. */
export interface Inbox {
  region: string;
  bucket: string;
  /** The key of a host's newest push; nothing when there is none. */
  newest(host: string): Promise<string | undefined>;
  /** Lets `consume` read a push, unpacked, as it comes. */
  read(key: string, consume: (tar: Readable) => Promise<void>): Promise<void>;
  /** Sends a file. Doing it again with the same key changes nothing. */
  push(key: string, file: string): Promise<void>;
}

/** A push may be long, and the line slow: reading waits for each part, not for the whole. */
const requestTimeoutMs = 3_600_000;

export function s3Inbox(access: AwsAccess, region: string, bucket: string): Inbox {
  const config = clientConfig(access, region);
  const s3 = connected(
    new S3Client({
      ...config,
      requestHandler: { ...config.requestHandler, requestTimeout: requestTimeoutMs },
      forcePathStyle: access.endpoint !== undefined,
    }),
    access,
    region,
  );
  return {
    region,
    bucket,
    async newest(host) {
      let last: string | undefined;
      let token: string | undefined;
      do {
        const page: ListObjectsV2CommandOutput = await s3.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: inboxPrefix(host),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        for (const { Key } of page.Contents ?? [])
          if (Key!.endsWith(".tar.gz") && (last === undefined || Key! > last)) last = Key!;
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return last;
    },
    async read(key, consume) {
      const found = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const packed = found.Body as Readable;
      const unpacked = createGunzip();
      packed.on("error", (error) => unpacked.destroy(error));
      try {
        await consume(packed.pipe(unpacked));
      } finally {
        packed.destroy();
        unpacked.destroy();
      }
    },
    async push(key, file) {
      const { size } = await stat(file);
      try {
        await s3.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: createReadStream(file),
            ContentLength: size,
            IfNoneMatch: "*",
          }),
        );
      } catch (error) {
        if (["PreconditionFailed", "ConditionalRequestConflict"].includes(errorCode(error))) return;
        if (!["AccessDenied", "NoSuchBucket", "Forbidden"].includes(errorCode(error))) throw error;
        throw new RekindleError(
          "refused",
          `s3://${bucket}/${key} can't be written (${errorCode(error)}); allow these credentials s3:PutObject on ` +
            `${bucket}/${inboxPrefix("<host>")}*, or correct --bucket`,
          { cause: error },
        );
      }
    },
  };
}

/** A host that can only push: what it last sent to any of the environment's buckets. */
export function inboxSource(host: string, inboxes: readonly Inbox[], print: (line: string) => void): Source {
  return {
    host,
    isLive: false,
    async gather(_selected, consume) {
      const looks = await Promise.allSettled(
        inboxes.map(async (inbox) => ({ inbox, key: await inbox.newest(host) })),
      );
      const found = looks
        .flatMap((look) => (look.status === "fulfilled" && look.value.key ? [look.value] : []))
        .sort((a, b) => (a.key! < b.key! ? 1 : -1))[0];
      if (found !== undefined) {
        print(`${host}: taken from s3://${found.inbox.bucket}/${found.key}`);
        return found.inbox.read(found.key!, consume);
      }
      const failed = looks.find((look) => look.status === "rejected");
      if (failed !== undefined)
        throw new HostFailure("failed", `its inbox can't be read: ${(failed.reason as Error).message}`);
      const where = inboxes.map(({ bucket }) => `s3://${bucket}/${inboxPrefix(host)}`).join(" and ");
      throw new HostFailure(
        "nothing-pushed",
        `it has pushed nothing to ${where}; run \`rekindle push-config --host ${host}\` there`,
      );
    },
  };
}
