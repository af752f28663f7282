/** Which service and region a request was signed for. */
export interface Scope {
  service: string;
  region: string;
}

const signed = /Credential=[^/,\s]+\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request/;
const presigned = /^[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request$/;

/** Reads the SigV4 credential scope of the header, or of a presigned URL. */
export function readScope(authorization: string | undefined, query: URLSearchParams): Scope | undefined {
  const found = signed.exec(authorization ?? "") ?? presigned.exec(query.get("X-Amz-Credential") ?? "");
  if (found === null) return undefined;
  return { region: homeOfGlobal(found[1]!), service: found[2]!.toLowerCase() };
}

/** Global services have one control plane, and it stands in us-east-1. */
function homeOfGlobal(region: string): string {
  return region === "aws-global" ? "us-east-1" : region;
}
