import type { ApiRequest } from "./api-request.ts";
import type { BucketHomes } from "./bucket-homes.ts";
import { copySourceBucket } from "./s3-action.ts";

/** The regions without which AWS could not carry out a request. */
export interface NeededRegions {
  /** Where the connection goes. Lost: the client hears nothing. */
  contacted: string[];
  /** What the contacted region reads from in turn. Lost: the service itself answers with an error. */
  read: string[];
}

export function neededRegions(request: ApiRequest, homes: BucketHomes): NeededRegions {
  const home = homes.of(request.bucket);
  const source =
    request.protocol === "s3" ? homes.of(copySourceBucket(request.headers)) : copySource(request);
  return {
    contacted: home === undefined || home === request.region ? [request.region] : [home, request.region],
    read: source === undefined ? [] : [source],
  };
}

const sourceName = /^Source\w*(Identifier|Arn)$/;

/** Copies and replications between regions name their source by region (EC2) or by ARN (RDS). */
function copySource({ action, form }: ApiRequest): string | undefined {
  if (!/^(Copy|Create\w+ReadReplica|StartDBInstanceAutomatedBackupsReplication)/.test(action))
    return undefined;
  const named = form.get("SourceRegion");
  if (named !== null) return named;
  for (const [name, value] of form) {
    const region = /^arn:[^:]+:[^:]+:([^:]+):/.exec(value)?.[1];
    if (sourceName.test(name) && region !== undefined) return region;
  }
  return undefined;
}
