import { databaseIdentifier, loadBalancerName } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { securityGroupName, securityGroups } from "../config/security.ts";
import { type Check, check, describeKey } from "./check.ts";
import type { Observed } from "./observed.ts";
import type { Pins } from "./pins.ts";
import { uncovered } from "./uncovered.ts";
import { verifyServers } from "./verify-servers.ts";

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
    check(
      "what the plan lacks of the environment",
      "nothing",
      uncovered(topology, pins).join(", ") || "nothing",
    ),
    ...verifyServers(topology, pins, observed),
    ...verifyDatabases(topology, pins, observed, restoredFrom),
    ...verifyTargetGroups(topology, pins, observed),
    ...verifySecurityGroups(topology, pins, observed),
  ];
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
      `${engine} on ${type}, ${size} GiB, port ${port}, ${describeKey(key)}`;
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
    const healthPort = health.kind === "command" ? loadBalancer.targetPort : health.port;
    const describe = (port: number, at: string) => `port ${port}, health at ${at}`;
    return [
      check(
        `target group ${name}`,
        describe(loadBalancer.targetPort, `${healthPort}${path}`),
        found === undefined ? "not there" : describe(found.port, `${found.healthPort}${found.healthPath}`),
      ),
      check(
        `targets of ${name}`,
        members.sort().join(", ") || "none",
        Object.keys(found?.targets ?? {})
          .sort()
          .join(", ") || "none",
      ),
    ];
  });
}

function verifySecurityGroups(topology: Topology, pins: Pins, observed: Observed): Check[] {
  const { environment } = topology;
  const wanted = securityGroups(topology, pins.site);
  const unknown = observed.securityGroups.filter(({ name }) => wanted.every((group) => group.name !== name));
  return [
    ...wanted.map(({ name, ingress }) => {
      const found = observed.securityGroups.find((candidate) => candidate.name === name);
      const expected = ingress.map(({ port, from }) => ({
        ports: `tcp ${port}`,
        from: [from === "0.0.0.0/0" ? from : securityGroupName(environment.name, pins.site, from)],
      }));
      return check(
        `security group ${name}`,
        describeRules(expected),
        found === undefined ? "not there" : describeRules(found.ingress),
      );
    }),
    check(
      "security groups that no role describes",
      "none",
      unknown.map(({ name }) => name).join(", ") || "none",
    ),
  ];
}

function describeRules(rules: Observed["securityGroups"][number]["ingress"]): string {
  const lines = rules.flatMap(({ ports, from }) => from.map((source) => `${ports} from ${source}`)).sort();
  return lines.join(", ") || "no ingress";
}
