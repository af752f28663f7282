/** Where a body finds what surrounds it: the same on every engine, so that one base image fits them all. */
export const metadataAddress = "169.254.169.254";

export const surroundingPorts = {
  /** Instance metadata. */
  metadata: 80,
  /** AWS's API, as `AWS_ENDPOINT_URL` names it. */
  aws: 4566,
  /** An HTTP proxy for Debian's packages. */
  packages: 3142,
} as const;

export type SurroundingPort = keyof typeof surroundingPorts;

/** The resolver of a region, as in a VPC. */
export const resolverAddress = "169.254.169.253";

/** What every program of a body is told, as an instance's launch template might. */
export const bodyEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  AWS_ENDPOINT_URL: `http://${metadataAddress}:${surroundingPorts.aws}`,
} as const;
