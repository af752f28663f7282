import { renderUserData } from "../../cloud-init/user-data.ts";
import { databaseIdentifier, instanceProfile, loadBalancerName } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { securityGroupName, securityGroups } from "../config/security.ts";
import { fixedServers, isFleet } from "../config/servers.ts";
import { userDataVariables } from "../config/user-data.ts";
import type { Check } from "./check.ts";
import type { Observed, ObservedServer } from "./observed.ts";
import type { Pins } from "./pins.ts";

/** What Terraform's state says of a database: AWS itself does not tell which snapshot an instance came from. */
export type RestoredFrom = Readonly<Record<string, string | undefined>>;

/** Compares a rebuilt site with its plan. Every check says what should be and what was found. */
export function verifySite(
  topology: Topology,
  pins: Pins,
  observed: Observed,
  restoredFrom: RestoredFrom,
): Check[] {
  return [
    ...verifyServers(topology, pins, observed),
    ...verifyDatabases(topology, pins, observed, restoredFrom),
    ...verifyTargetGroups(topology, pins, observed),
    ...verifySecurityGroups(topology, pins, observed),
  ];
}

function verifyServers(topology: Topology, pins: Pins, observed: Observed): Check[] {
  const fixed = fixedServers(topology, pins.site);
  const checks: Check[] = [];
  for (const [role, { count }] of Object.entries(topology.environment.roles)) {
    const servers = observed.servers.filter((server) => server.role === role);
    checks.push(check(`servers of ${role}`, count, servers.length));
    const names = isFleet(topology.roles[role]!) ? undefined : fixed.filter((server) => server.role === role);
    if (names === undefined) {
      // Their instance profile is not looked at: the emulator's Auto Scaling groups give their instances none.
      for (const server of servers)
        checks.push(...verifyServer(topology, pins, server.instanceId, role, server));
      continue;
    }
    for (const { name, privateAddress } of names) {
      const server = servers.find((candidate) => candidate.server === name);
      if (server === undefined) continue;
      checks.push(
        ...verifyServer(topology, pins, name, role, server),
        check(`address of ${name}`, privateAddress, server.privateAddress),
        check(
          `instance profile of ${name}`,
          instanceProfile(topology.environment.name, role),
          server.instanceProfile,
        ),
        ...verifyVolumes(topology, pins, name, role, server),
      );
    }
  }
  const strangers = observed.servers.filter(({ role }) => topology.environment.roles[role] === undefined);
  checks.push(
    check(
      "servers of no known role",
      "none",
      strangers.map(({ instanceId }) => instanceId).join(", ") || "none",
    ),
  );
  return checks;
}

function verifyServer(
  topology: Topology,
  pins: Pins,
  name: string,
  role: string,
  server: ObservedServer,
): Check[] {
  const { imageId, userData } = pins.roles[role]!;
  const serverName = isFleet(topology.roles[role]!) ? role : name;
  const expected = renderUserData(userData, userDataVariables(topology, pins, { role, server: serverName }));
  return [
    check(`image of ${name}`, imageId, server.imageId),
    check(`type of ${name}`, topology.environment.roles[role]!.instanceType, server.instanceType),
    {
      name: `user-data of ${name}`,
      passed: server.userData === expected && expected.includes(pins.manifest.sha256),
      expected: `pins release ${pins.release.release} at manifest ${pins.manifest.sha256.slice(0, 12)}`,
      found:
        server.userData === expected
          ? `pins release ${pins.release.release}`
          : "differs from the rendered templates",
    },
  ];
}

function verifyVolumes(
  topology: Topology,
  pins: Pins,
  name: string,
  role: string,
  server: ObservedServer,
): Check[] {
  const volumes = topology.roles[role]!.volumes;
  return volumes.map((volume) => {
    const pin = pins.volumes[name]?.find((candidate) => candidate.name === volume.name);
    const found = server.volumes.find(({ device }) => device === volume.device);
    const describe = (snapshot: string, size: number, type: string, key: string) =>
      `${volume.device} from ${snapshot || "no snapshot"}, ${size} GiB ${type}, key ${key.split("/").at(-1) || "none"}`;
    return check(
      `volume ${volume.name} of ${name}`,
      describe(pin?.snapshotId ?? "", volume.sizeGiB, volume.type, pins.encryptionKey),
      found === undefined
        ? "not attached"
        : describe(found.snapshotId, found.sizeGiB, found.type, found.encrypted ? found.keyArn : ""),
    );
  });
}

function verifyDatabases(
  topology: Topology,
  pins: Pins,
  observed: Observed,
  restoredFrom: RestoredFrom,
): Check[] {
  return Object.entries(topology.environment.databases).flatMap(([name, database]) => {
    const identifier = databaseIdentifier(topology.environment.name, pins.site, name);
    const found = observed.databases.find((candidate) => candidate.identifier === identifier);
    const describe = (engine: string, type: string, size: number, port: number, key: string) =>
      `${engine} on ${type}, ${size} GiB, port ${port}, key ${key.split("/").at(-1) || "none"}`;
    return [
      check(
        `database ${name}`,
        `available: ${describe(database.engine, database.instanceClass, database.storageGiB, database.port, pins.encryptionKey)}`,
        found === undefined
          ? "not there"
          : `${found.status}: ${describe(found.engine, found.instanceClass, found.storageGiB, found.port, found.encrypted ? found.keyArn : "")}`,
      ),
      check(
        `database ${name} comes from its snapshot (by Terraform's state)`,
        pins.databases[name]?.snapshotId ?? "no snapshot",
        restoredFrom[identifier] ?? "no snapshot",
      ),
    ];
  });
}

function verifyTargetGroups(topology: Topology, pins: Pins, observed: Observed): Check[] {
  return Object.keys(topology.environment.roles).flatMap((role) => {
    const { loadBalancer, health } = topology.roles[role]!;
    if (loadBalancer === undefined) return [];
    const name = loadBalancerName(topology.environment.name, pins.site, role);
    const found = observed.targetGroups.find((candidate) => candidate.name === name);
    const members = observed.servers
      .filter((server) => server.role === role)
      .map(({ instanceId }) => instanceId);
    const path = health.kind === "http" ? health.path : "/";
    return [
      check(
        `target group ${name}`,
        `port ${loadBalancer.targetPort}, health at ${path}`,
        found === undefined ? "not there" : `port ${found.port}, health at ${found.healthPath}`,
      ),
      check(
        `targets of ${name}`,
        members.sort().join(", "),
        Object.keys(found?.targets ?? {})
          .sort()
          .join(", "),
      ),
    ];
  });
}

function verifySecurityGroups(topology: Topology, pins: Pins, observed: Observed): Check[] {
  return securityGroups(topology, pins.site).map(({ name, ingress }) => {
    const found = observed.securityGroups.find((candidate) => candidate.name === name);
    const expected = ingress.map(({ port, from }) => ({
      port,
      from: [from === "0.0.0.0/0" ? from : securityGroupName(topology.environment.name, pins.site, from)],
    }));
    return check(
      `security group ${name}`,
      describeRules(expected),
      found === undefined ? "not there" : describeRules(found.ingress),
    );
  });
}

function describeRules(rules: { port: number; from: string[] }[]): string {
  const lines = rules.flatMap(({ port, from }) => from.map((source) => `${port} from ${source}`)).sort();
  return lines.join(", ") || "no ingress";
}

function check(name: string, expected: string | number, found: string | number): Check {
  return { name, passed: expected === found, expected: String(expected), found: String(found) };
}
