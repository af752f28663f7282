import type { Topology } from "../config/schema.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { type Cloud, type CloudRegion, connectCloud } from "../edges/cloud.ts";
import type { Stopwatch } from "../edges/stopwatch.ts";
import { RekindleError } from "../errors.ts";
import { awsAccessOfShell, type Running } from "./shell.ts";

/** AWS as the shell's environment describes it: the user's own account, or the sandbox of `rekindle sandbox env`. */
export function cloudOfShell(topology: Topology, running: Running): Cloud {
  return connectCloud(awsAccessOfShell(running), topology);
}

/** A sandbox's AWS, whatever the shell's environment says. `variables` are the sandbox's own. */
export function cloudOfSandbox(
  topology: Topology,
  variables: Record<string, string>,
  stopwatch: Stopwatch,
): Cloud {
  return connectCloud(accessOfSandbox(variables, stopwatch), topology);
}

export function accessOfSandbox(variables: Record<string, string>, stopwatch: Stopwatch): AwsAccess {
  const endpoint = variables.AWS_ENDPOINT_URL!;
  const credentials = {
    accessKeyId: variables.AWS_ACCESS_KEY_ID!,
    secretAccessKey: variables.AWS_SECRET_ACCESS_KEY!,
  };
  return { endpoint, credentials, stopwatch };
}

/** One of an environment's two sites, as `--region` names it. */
export function siteOf({ recovery, primary }: Cloud, region: string): CloudRegion {
  return regionNamed([recovery, primary], region);
}

/** One of the regions that would do. */
export function regionNamed(regions: readonly CloudRegion[], region: string): CloudRegion {
  const found = regions.find((candidate) => candidate.region === region);
  if (found !== undefined) return found;
  throw new RekindleError(
    "bad-input",
    `--region ${JSON.stringify(region)} is no region of this environment; name ${regions.map((one) => one.region).join(" or ")}`,
  );
}
