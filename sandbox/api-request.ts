import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { readS3Call, splitPath } from "./s3-action.ts";
import { readScope } from "./scope.ts";

/** How a service writes its errors. */
export type Protocol = "ec2" | "query" | "json" | "rest-json" | "rest-xml" | "s3";

/** One request to the emulated AWS, understood as far as the gateway needs it. */
export interface ApiRequest {
  method: string;
  /** Path and query as they were sent: the signature covers them. */
  url: string;
  path: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  service: string;
  /** Where it was signed for; `none` when it was not signed. */
  region: string;
  action: string;
  bucket: string | undefined;
  /** Parameters of the query protocols; empty for the others. */
  form: URLSearchParams;
  protocol: Protocol;
}

const restXml = new Set(["route53", "cloudfront", "s3control"]);

/** Reads a whole request: the gateway decides before a byte is forwarded, and bodies of a sandbox are small. */
export async function readApiRequest(incoming: IncomingMessage): Promise<ApiRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return describeRequest({
    method: incoming.method ?? "GET",
    url: incoming.url ?? "/",
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks),
  });
}

type Received = Pick<ApiRequest, "method" | "url" | "headers" | "rawHeaders" | "body">;

export function describeRequest(received: Received): ApiRequest {
  const { method, url, headers, body } = received;
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  const scope = readScope(headers.authorization, query);
  const { service, region } = scope ?? { service: "none", region: "none" };
  const type = headers["content-type"] ?? "";
  const form = type.startsWith("application/x-www-form-urlencoded")
    ? new URLSearchParams(body.toString())
    : query;
  const known = { ...received, path, service, region };

  const target = headers["x-amz-target"];
  if (typeof target === "string") {
    const action = target.slice(target.lastIndexOf(".") + 1);
    return { ...known, action, bucket: undefined, form: new URLSearchParams(), protocol: "json" };
  }
  if (service === "s3") {
    const { action, bucket } = readS3Call(method, path, query, headers);
    return { ...known, action, bucket, form: new URLSearchParams(), protocol: "s3" };
  }
  const action = form.get("Action");
  if (action !== null) {
    return { ...known, action, bucket: undefined, form, protocol: service === "ec2" ? "ec2" : "query" };
  }
  return {
    ...known,
    action: operationOf(method, path),
    // A public object is read without a signature.
    bucket: scope === undefined ? splitPath(path)[0] : undefined,
    form: new URLSearchParams(),
    protocol: scope === undefined ? "s3" : restXml.has(service) ? "rest-xml" : "rest-json",
  };
}

/** The newer RPC protocol has the operation's name in its path; REST protocols have none, so method and resource stand for it. */
function operationOf(method: string, path: string): string {
  return /\/operation\/(\w+)$/.exec(path)?.[1] ?? `${method} /${splitPath(path)[0]}`;
}
