import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/**
 * The bucket of Terraform's state, which no stack can make for itself: versioned, encrypted, private, TLS-only, in the
 * recovery region. Safe to call again: every setting is put each time, and nothing is ever deleted.
 */
export async function ensureStateBucket(
  access: AwsAccess,
  region: string,
  bucket: string,
): Promise<"created" | "there"> {
  const s3 = connected(
    new S3Client({ ...clientConfig(access, region), forcePathStyle: access.endpoint !== undefined }),
    access,
    region,
  );
  const outcome = await create(s3, region, bucket);
  const Bucket = bucket;
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  await s3.send(
    new PutPublicAccessBlockCommand({
      Bucket,
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    }),
  );
  await s3.send(
    new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    }),
  );
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(tlsOnly(bucket)) }));
  return outcome;
}

async function create(s3: S3Client, region: string, bucket: string): Promise<"created" | "there"> {
  try {
    await s3.send(
      new CreateBucketCommand({
        Bucket: bucket,
        ObjectOwnership: "BucketOwnerEnforced",
        // us-east-1 is the one region that must not be named.
        ...(region === "us-east-1"
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: region as never } }),
      }),
    );
    return "created";
  } catch (error) {
    if (errorCode(error) === "BucketAlreadyOwnedByYou") return "there";
    throw error;
  }
}

function tlsOnly(bucket: string): object {
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "OnlyOverTls",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  };
}
