import { GetBucketVersioningCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** A bucket, and whose it must be. */
export interface Place {
  Bucket: string;
  ExpectedBucketOwner?: string;
}

/**
 * A bucket, and what speaks to it. `account` is demanded whenever it is touched (S3's ExpectedBucketOwner); who names a
 * bucket by hand, with no environment at hand, leaves it out.
 */
export function connectBucket(access: AwsAccess, region: string, bucket: string, account?: string) {
  const s3 = connected(
    new S3Client({ ...clientConfig(access, region), forcePathStyle: access.endpoint !== undefined }),
    access,
    region,
  );
  const place: Place = {
    Bucket: bucket,
    ...(account === undefined ? {} : { ExpectedBucketOwner: account }),
  };
  return { s3, place };
}

/** Refuses a bucket that is not there, in another region or of another account. */
export async function demandBucket(s3: S3Client, place: Place, region: string): Promise<void> {
  try {
    const found = await s3.send(new HeadBucketCommand(place));
    if (found.BucketRegion === undefined || found.BucketRegion === region) return;
    throw refused(place, region, `lies in region ${found.BucketRegion}`, correctRegion);
  } catch (error) {
    const code = errorCode(error);
    if (notThere.includes(code)) {
      throw refused(
        place,
        region,
        "does not exist",
        "correct its name, or deploy the foundation first: npx cdktf deploy foundation-stack",
      );
    }
    if (elsewhere.includes(code)) throw refused(place, region, "lies in another region", correctRegion);
    if (["Forbidden", "AccessDenied", "403"].includes(code)) {
      const owner =
        place.ExpectedBucketOwner === undefined
          ? ""
          : `does not belong to account ${place.ExpectedBucketOwner}, or `;
      throw refused(
        place,
        region,
        `${owner}may not be read with these credentials`,
        "check the profile in use",
      );
    }
    throw error;
  }
}

export async function demandVersioning(s3: S3Client, place: Place, region: string): Promise<void> {
  const versioning = await s3.send(new GetBucketVersioningCommand(place));
  if (versioning.Status === "Enabled") return;
  throw refused(
    place,
    region,
    `has versioning ${versioning.Status ?? "off"}`,
    "deploy the foundation again: npx cdktf deploy foundation-stack",
  );
}

/** True when a call failed because of the bucket, not because of an object in it. */
export function isBucketFault(error: unknown): boolean {
  return [...notThere, ...elsewhere].includes(errorCode(error));
}

const notThere = ["NotFound", "NoSuchBucket"];
const elsewhere = ["PermanentRedirect", "301", "AuthorizationHeaderMalformed"];
const correctRegion = "correct the region, or the bucket's name";

function refused({ Bucket }: Place, region: string, why: string, move: string): RekindleError {
  return new RekindleError("refused", `bucket ${Bucket} in ${region} ${why}; nothing was written; ${move}`);
}
