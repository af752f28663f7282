import type { UserDataVariables } from "../../cloud-init/variables.ts";
import type { Pins } from "../recovery/pins.ts";
import { endpointParameter } from "./names.ts";
import type { Role, Topology } from "./schema.ts";
import { fixedServers } from "./servers.ts";

/** A role's templates below `cloud-init/templates/`, in their order. */
export function userDataNames({ userData }: Role, role: string): string[] {
  return userData ?? [`${role}.yaml`];
}

/** What one server's user-data templates may refer to. */
export function userDataVariables(
  topology: Topology,
  pins: Pick<Pins, "site" | "region" | "release" | "manifest">,
  { role, server }: { role: string; server: string },
): UserDataVariables {
  const { name, databases } = topology.environment;
  return {
    environment: name,
    role,
    server,
    region: pins.region,
    release: pins.release.release,
    bucket: pins.manifest.bucket,
    manifestKey: pins.manifest.key,
    manifestVersion: pins.manifest.versionId,
    manifestSha256: pins.manifest.sha256,
    hosts: fixedServers(topology, pins.site)
      .flatMap(({ name: host, role: of, index, privateAddress }) => [
        `${host}=${privateAddress}`,
        ...(index === 0 ? [`${of}=${privateAddress}`] : []),
      ])
      .join(" "),
    databases: Object.keys(databases)
      .map((database) => `${database}=${endpointParameter(name, pins.site, database)}`)
      .join(" "),
  };
}
