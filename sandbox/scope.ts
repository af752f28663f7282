/** Which service and region a request was signed for. */
export interface Scope {
  service: string;
  region: string;
}

const signed = /Credential=[^/,\s]+\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request/;
const presigned = /^[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request$/;

/** Services with one control plane for the whole partition. */
const globalServices = new Set(["cloudfront", "iam", "organizations", "route53"]);

/** Reads the SigV4 credential scope of the header, or of a presigned URL. */
export function readScope(authorization: string | undefined, query: URLSearchParams): Scope | undefined {
  const found = signed.exec(authorization ?? "") ?? presigned.exec(query.get("X-Amz-Credential") ?? "");
  if (found === null) return undefined;
  const service = found[2]!.toLowerCase();
  return { service, region: home(service, found[1]!) };
}

/** Global services stand in us-east-1, whatever region a client with an endpoint of its own signs for. */
function home(service: string, region: string): string {
  return globalServices.has(service) || region === "aws-global" ? "us-east-1" : region;
}
