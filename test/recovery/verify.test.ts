import { describe, expect, it } from "vitest";
import { securityGroupName, securityGroups } from "../../bootstrap/config/security.ts";
import { userDataVariables } from "../../bootstrap/config/user-data.ts";
import type { DatabasePin } from "../../bootstrap/recovery/database-pin.ts";
import type { Observed, ObservedServer } from "../../bootstrap/recovery/observed.ts";
import { resolvePlan } from "../../bootstrap/recovery/resolve.ts";
import { verifySite } from "../../bootstrap/recovery/verify.ts";
import { renderUserData } from "../../cloud-init/user-data.ts";
import { aCatalog, aDatabase, aRole, aTopology, recovery } from "../builders.ts";

const topology = aTopology();
const planned = resolvePlan({
  topology,
  region: recovery,
  wish: { kind: "newest" },
  now: "2026-11-24T12:00:00.000Z",
  contents: aCatalog(),
  restorable: [],
});
if (planned.kind === "refused") throw new Error(planned.reasons.join("\n"));
const { pins } = planned.plan;

const root = {
  device: "/dev/xvda",
  snapshotId: "",
  sizeGiB: 8,
  type: "gp3",
  encrypted: true,
  keyArn: pins.encryptionKey,
};

function aServer(role: string, server: string, changes: Partial<ObservedServer> = {}): ObservedServer {
  const variables = userDataVariables(topology, pins, { role, server });
  return {
    instanceId: `i-${server}`,
    role,
    server,
    imageId: `ami-r-${role}`,
    instanceType: topology.environment.roles[role]!.instanceType,
    instanceProfile: `rekindle-shop-${role}`,
    privateAddress: "10.20.10.16",
    securityGroups: [`rekindle/shop/recovery/role/${role}`],
    rootDevice: "/dev/xvda",
    userData: renderUserData(pins.roles[role]!.userData, variables),
    volumes: [root],
    ...changes,
  };
}

function aDatabaseServer(changes: Partial<ObservedServer> = {}): ObservedServer {
  const volume = (name: string, device: string) => ({
    ...root,
    device,
    snapshotId: `snap-r-${name}`,
    sizeGiB: 10,
  });
  const volumes = [root, volume("data-0", "/dev/sdf"), volume("data-1", "/dev/sdg")];
  return aServer("db", "db-0", { volumes, ...changes });
}

/** The site as the plan wants it. */
function asPlanned(changes: Partial<Observed> = {}): Observed {
  return {
    servers: [
      aDatabaseServer(),
      aServer("web", "web", { instanceId: "i-1" }),
      aServer("web", "web", { instanceId: "i-2" }),
    ],
    databases: [],
    targetGroups: [
      {
        name: "shop-r-web",
        port: 80,
        healthPort: "80",
        healthPath: "/healthz",
        targets: { "i-1": "healthy", "i-2": "healthy" },
      },
    ],
    securityGroups: securityGroups(topology, "recovery").map(({ name, ingress }) => ({
      name,
      ingress: ingress.map(({ port, from }) => ({
        ports: `tcp ${port}`,
        from: [from === "0.0.0.0/0" ? from : securityGroupName("shop", "recovery", from)],
      })),
    })),
    ...changes,
  };
}

const failedChecks = (observed: Observed) =>
  verifySite(topology, pins, observed, {})
    .filter(({ passed }) => !passed)
    .map(({ name }) => name);

/** The database server with one thing changed, beside the others. */
const withDatabaseServer = (changes: Partial<ObservedServer>) =>
  asPlanned({ servers: [aDatabaseServer(changes), ...asPlanned().servers.slice(1)] });

/** The group of the database server with one more rule. */
const withRule = (rule: { ports: string; from: string[] }) =>
  asPlanned({
    securityGroups: asPlanned().securityGroups.map((group) =>
      group.name.endsWith("role/db") ? { ...group, ingress: [...group.ingress, rule] } : group,
    ),
  });

const [, first, second] = aDatabaseServer().volumes;

describe("verification", () => {
  it("passes a site that is as planned", () => {
    expect(failedChecks(asPlanned())).toEqual([]);
  });

  it("wants a volume that had grown as large as the plan has it", () => {
    const [grown, other] = pins.volumes["db-0"]!;
    const plan = { ...pins, volumes: { "db-0": [{ ...grown!, sizeGiB: 50 }, other!] } };
    const failed = (observed: Observed) =>
      verifySite(topology, plan, observed, {})
        .filter(({ passed }) => !passed)
        .map(({ name }) => name);
    expect(failed(asPlanned())).toEqual(["volume data-0 of db-0"]);
    const large = { ...first!, sizeGiB: 50 };
    expect(failed(withDatabaseServer({ volumes: [root, large, second!] }))).toEqual([]);
  });

  it.each<[string, Observed, string]>([
    ["another image", withDatabaseServer({ imageId: "ami-other" }), "image of db-0"],
    ["another instance type", withDatabaseServer({ instanceType: "t3.nano" }), "type of db-0"],
    ["another profile", withDatabaseServer({ instanceProfile: "admin" }), "instance profile of db-0"],
    ["another address", withDatabaseServer({ privateAddress: "10.20.10.99" }), "address of db-0"],
    [
      "user-data of another release",
      withDatabaseServer({ userData: "#cloud-config\n# db other\n" }),
      "user-data of db-0",
    ],
    ["a missing volume", withDatabaseServer({ volumes: [root, first!] }), "volume data-1 of db-0"],
    [
      "a volume from another snapshot",
      withDatabaseServer({ volumes: [root, { ...first!, snapshotId: "snap-other" }, second!] }),
      "volume data-0 of db-0",
    ],
    [
      "a smaller volume",
      withDatabaseServer({ volumes: [root, { ...first!, sizeGiB: 5 }, second!] }),
      "volume data-0 of db-0",
    ],
    [
      "another volume type",
      withDatabaseServer({ volumes: [root, { ...first!, type: "st1" }, second!] }),
      "volume data-0 of db-0",
    ],
    [
      "a plain-text volume",
      withDatabaseServer({ volumes: [root, first!, { ...second!, encrypted: false }] }),
      "volume data-1 of db-0",
    ],
    [
      "another key",
      withDatabaseServer({ volumes: [root, first!, { ...second!, keyArn: "arn:other/k2" }] }),
      "volume data-1 of db-0",
    ],
    ["a missing server", asPlanned({ servers: asPlanned().servers.slice(1) }), "servers of db"],
    [
      "a server of no known role",
      asPlanned({ servers: [...asPlanned().servers, { ...aDatabaseServer(), role: "miner" }] }),
      "servers of no known role",
    ],
    [
      "a target that is not in its group",
      asPlanned({ targetGroups: [{ ...asPlanned().targetGroups[0]!, targets: { "i-1": "healthy" } }] }),
      "targets of shop-r-web",
    ],
    [
      "another health check",
      asPlanned({ targetGroups: [{ ...asPlanned().targetGroups[0]!, healthPath: "/" }] }),
      "target group shop-r-web",
    ],
    [
      "a missing security group",
      asPlanned({ securityGroups: asPlanned().securityGroups.slice(1) }),
      "security group rekindle/shop/recovery/role/web",
    ],
    [
      "an open port",
      withRule({ ports: "tcp 22", from: ["0.0.0.0/0"] }),
      "security group rekindle/shop/recovery/role/db",
    ],
    [
      "a port that is open to another group",
      withRule({ ports: "tcp 5432", from: ["sg-other"] }),
      "security group rekindle/shop/recovery/role/db",
    ],
    [
      "a security group that no role describes",
      asPlanned({
        securityGroups: [...asPlanned().securityGroups, { name: "backdoor", ingress: [] }],
      }),
      "security groups that no role describes",
    ],
    [
      "a server in another security group",
      withDatabaseServer({ securityGroups: ["default"] }),
      "security groups of db-0",
    ],
    [
      "a health check on another port",
      asPlanned({ targetGroups: [{ ...asPlanned().targetGroups[0]!, healthPort: "8080" }] }),
      "target group shop-r-web",
    ],
    [
      "a plain-text root volume",
      withDatabaseServer({ volumes: [{ ...root, encrypted: false }, first!, second!] }),
      "root volume of db-0",
    ],
    [
      "a volume that no role describes",
      withDatabaseServer({ volumes: [root, first!, second!, { ...first!, device: "/dev/sdz" }] }),
      "volumes of db-0 that no role describes",
    ],
    ["a fixed server under another's name", withDatabaseServer({ server: "db-1" }), "server db-0"],
  ])("finds %s", (_what, observed, check) => {
    expect(failedChecks(observed)).toContain(check);
  });

  it("finds what the environment has got since the plan was made", () => {
    const { roles } = topology.environment;
    const grown = aTopology(
      { roles: { ...roles, db: { ...roles.db, count: 2 }, miner: { count: 1, instanceType: "t3.small" } } },
      { miner: aRole() },
    );
    const servers = [...asPlanned().servers, { ...aDatabaseServer(), role: "miner", server: "miner-0" }];
    const checks = verifySite(grown, pins, asPlanned({ servers }), {});
    expect(checks[0]).toMatchObject({
      passed: false,
      found:
        "no image for role miner, no snapshot of db-1's volume data-0, no snapshot of db-1's volume data-1",
    });
  });

  describe("of a database", () => {
    const withDatabase = aTopology({ databases: { ledger: aDatabase() } });
    const identifier = "rekindle-shop-recovery-ledger";
    const observed = asPlanned({
      databases: [
        {
          identifier,
          status: "available",
          engine: "postgres",
          instanceClass: "db.t3.medium",
          storageGiB: 20,
          port: 5432,
          encrypted: true,
          keyArn: pins.encryptionKey,
          createdAt: "",
        },
      ],
    });
    const replicated = { kind: "replicated", arn: "arn:backup" } as const;
    const inTime = {
      kind: "point-in-time",
      source: replicated,
      restoreTime: "2026-11-24T11:00:00Z",
    } as const;
    const failed = (planned: DatabasePin, found: DatabasePin) =>
      verifySite(withDatabase, { ...pins, databases: { ledger: planned } }, observed, { [identifier]: found })
        .filter(({ name, passed }) => /database ledger/.test(name) && !passed)
        .map(({ name }) => name);
    const origin = ["what database ledger comes from (by Terraform's state)"];

    it.each<[string, DatabasePin, DatabasePin, string[]]>([
      [
        "the planned snapshot",
        { kind: "snapshot", snapshotId: "s" },
        { kind: "snapshot", snapshotId: "s" },
        [],
      ],
      [
        "another snapshot",
        { kind: "snapshot", snapshotId: "s" },
        { kind: "snapshot", snapshotId: "t" },
        origin,
      ],
      ["the planned second", inTime, { ...inTime }, []],
      ["another second", inTime, { ...inTime, restoreTime: "2026-11-24T11:00:01Z" }, origin],
      ["another backup", inTime, { ...inTime, source: { ...replicated, arn: "arn:other" } }, origin],
      ["nothing", inTime, { kind: "fresh" }, origin],
    ])("that comes from %s", (_, planned, found, expected) => {
      expect(failed(planned, found)).toEqual(expected);
    });
  });
});
