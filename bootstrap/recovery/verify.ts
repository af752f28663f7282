import { isCluster } from "../config/databases.ts";
import { databaseIdentifier, loadBalancerName } from "../config/names.ts";
import type { Database, Topology } from "../config/schema.ts";
import { securityGroupName, securityGroups } from "../config/security.ts";
import { type Check, check, describeKey } from "./check.ts";
import { type DatabasePin, describePin } from "./database-pin.ts";
import type { Observed, ObservedDatabase } from "./observed.ts";
import type { Pins } from "./pins.ts";
import { uncovered } from "./uncovered.ts";
import { verifyServers } from "./verify-servers.ts";

/** What Terraform's state says of a database, by its identifier: AWS itself does not tell what it came from. */
export type RestoredFrom = Readonly<Record<string, DatabasePin>>;

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
    const key = describeKey(pins.encryptionKey);
    return [
      check(
        `database ${name}`,
        `available: ${describeWanted(database)}, port ${database.port}, ${key}`,
        found === undefined
          ? "not there"
          : `${found.status}: ${describeFound(found)}, port ${found.port}, ${describeKey(found.encrypted ? found.keyArn : "")}`,
      ),
      check(
        `what database ${name} comes from (by Terraform's state)`,
        describePin(pins.databases[name]),
        describePin(restoredFrom[identifier]),
      ),
    ];
  });
}

function describeWanted(database: Database): string {
  return isCluster(database)
    ? `${database.engine} on ${database.instances} of ${database.instanceClass}`
    : `${database.engine} on ${database.instanceClass}, ${database.storageGiB} GiB`;
}

function describeFound({ engine, instanceClass, members, storageGiB }: ObservedDatabase): string {
  return members === undefined
    ? `${engine} on ${instanceClass}, ${storageGiB} GiB`
    : `${engine} on ${members} of ${instanceClass}`;
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
