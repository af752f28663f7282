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

/** The hardware address of a network card, one for each address of a region; EC2's begin with 02 or 06 too. */
export function hardwareAddress(address: string): string {
  const digits = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return ["06", "00", ...digits].join(":");
}
