import type { UserDataVariables } from "../../cloud-init/variables.ts";
import type { Pins } from "../recovery/pins.ts";
import { endpointParameter } from "./names.ts";
import type { Topology } from "./schema.ts";
import { fixedServers } from "./servers.ts";

/** What one server's user-data template may refer to. */
export function userDataVariables(
  topology: Topology,
  pins: Pick<Pins, "site" | "region" | "release" | "manifest">,
  { role, server }: { role: string; server: string },
): UserDataVariables {
  const definition = topology.roles[role]!;
  const { health, storage } = definition;
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
    volumes: definition.volumes.map((volume) => `${volume.name}=${volume.device}`).join(" "),
    storage: storage === undefined ? "" : `${storage.layout} ${storage.filesystem} ${storage.mount}`,
    services: definition.services.join(" "),
    health:
      health.kind === "http"
        ? `http ${health.port} ${health.path}`
        : health.kind === "tcp"
          ? `tcp ${health.port}`
          : `command ${health.command}`,
  };
}
