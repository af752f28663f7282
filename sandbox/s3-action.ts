import type { IncomingHttpHeaders } from "node:http";

/** What an S3 request is about. `bucket` is undefined for ListBuckets. */
export interface S3Call {
  action: string;
  bucket: string | undefined;
}

const bucketParts: Record<string, string> = {
  accelerate: "BucketAccelerateConfiguration",
  acl: "BucketAcl",
  cors: "BucketCors",
  encryption: "BucketEncryption",
  lifecycle: "BucketLifecycleConfiguration",
  location: "BucketLocation",
  logging: "BucketLogging",
  notification: "BucketNotificationConfiguration",
  "object-lock": "ObjectLockConfiguration",
  ownershipControls: "BucketOwnershipControls",
  policy: "BucketPolicy",
  policyStatus: "BucketPolicyStatus",
  publicAccessBlock: "PublicAccessBlock",
  replication: "BucketReplication",
  requestPayment: "BucketRequestPayment",
  tagging: "BucketTagging",
  versioning: "BucketVersioning",
  website: "BucketWebsite",
};

const objectParts: Record<string, string> = {
  acl: "ObjectAcl",
  attributes: "ObjectAttributes",
  "legal-hold": "ObjectLegalHold",
  retention: "ObjectRetention",
  tagging: "ObjectTagging",
};

const verbs: Record<string, string> = { GET: "Get", HEAD: "Head", PUT: "Put", DELETE: "Delete" };

/** Names the S3 operation of a path-style request as AWS does. */
export function readS3Call(
  method: string,
  path: string,
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
): S3Call {
  const [bucket, key] = splitPath(path);
  if (bucket === "") return { action: "ListBuckets", bucket: undefined };
  if (key === "") return { action: bucketAction(method, query), bucket };
  return { action: objectAction(method, query, headers), bucket };
}

/** The bucket that a copy reads from. */
export function copySourceBucket(headers: IncomingHttpHeaders): string | undefined {
  const source = headers["x-amz-copy-source"];
  return typeof source === "string"
    ? splitPath(source.startsWith("/") ? source : `/${source}`)[0]
    : undefined;
}

export function splitPath(path: string): [bucket: string, key: string] {
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  return [decoded(bucket), key];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function bucketAction(method: string, query: URLSearchParams): string {
  if (method === "POST") return query.has("delete") ? "DeleteObjects" : "PostObject";
  if (method === "GET" && query.has("uploads")) return "ListMultipartUploads";
  if (method === "GET" && query.has("versions")) return "ListObjectVersions";
  const part = Object.keys(bucketParts).find((name) => query.has(name));
  // S3 calls this one operation by another name than the rest.
  if (part === "lifecycle" && method === "DELETE") return "DeleteBucketLifecycle";
  if (part !== undefined) return `${verbs[method] ?? method}${bucketParts[part]}`;
  if (method === "PUT") return "CreateBucket";
  if (method === "GET") return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
  return `${verbs[method] ?? method}Bucket`;
}

function objectAction(method: string, query: URLSearchParams, headers: IncomingHttpHeaders): string {
  const copies = headers["x-amz-copy-source"] !== undefined;
  if (query.has("uploads")) return "CreateMultipartUpload";
  if (query.has("uploadId")) {
    if (method === "PUT") return copies ? "UploadPartCopy" : "UploadPart";
    return { POST: "CompleteMultipartUpload", DELETE: "AbortMultipartUpload" }[method] ?? "ListParts";
  }
  if (method === "POST" && query.has("restore")) return "RestoreObject";
  const part = Object.keys(objectParts).find((name) => query.has(name));
  if (part !== undefined) return `${verbs[method] ?? method}${objectParts[part]}`;
  if (method === "PUT" && copies) return "CopyObject";
  return `${verbs[method] ?? method}Object`;
}
