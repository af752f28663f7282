import type { Topology } from "../config/schema.ts";
import { holdsData } from "./database-pin.ts";
import type { Pins } from "./pins.ts";
import { expectedData } from "./resolve.ts";

/**
 * What an environment has by now and an older plan does not know. Deployed all the same, a role would have no image,
 * and a server would silently come with empty volumes.
 */
export function uncovered(topology: Topology, pins: Pins): string[] {
  const { servers, databases } = expectedData(topology, pins.region);
  const roles = Object.keys(topology.environment.roles).filter((role) => pins.roles[role] === undefined);
  const volumes = Object.entries(servers).flatMap(([server, names]) =>
    names
      .filter(
        (name) => !pins.volumes[server]?.some((pin) => pin.name === name && pin.snapshotId !== undefined),
      )
      .map((name) => `no snapshot of ${server}'s volume ${name}`),
  );
  return [
    ...roles.map((role) => `no image for role ${role}`),
    ...volumes,
    ...databases
      .filter((name) => !holdsData(pins.databases[name]))
      .map((name) => `no data of database ${name}`),
  ];
}
