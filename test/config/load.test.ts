import { describe, expect, test } from "vitest";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { formatFault } from "../../bootstrap/errors.ts";
import { type Change, faultsAfter, places, remove, replace, shopFiles } from "./builders.ts";

const { environment, db } = places;

describe("a valid project", () => {
  test("is the environment with its roles, defaults filled in", () => {
    expect(loadTopology(shopFiles(), "shop")).toMatchObject({
      kind: "valid",
      topology: {
        environment: { roles: { db: { dependsOn: [] } } },
        roles: { db: { image: { rootVolumeGiB: 8, files: [] }, volumes: [{ type: "gp3" }, {}] } },
      },
    });
  });
});

describe("told with place, value and move is", () => {
  const inShop = (text: string, by: string) => [replace("environment", text, by)];
  const inWeb = (text: string, by: string) => [replace("web", text, by)];
  const inDb = (text: string, by: string) => [replace("db", text, by)];

  test.for<[string, Change[], string]>([
    [
      "an unknown key",
      inShop("count: 1", "cuont: 1"),
      'unknown key "cuont" in roles.db; remove it or correct its name: did you mean "count"?',
    ],
    [
      "an unknown key at the top",
      inShop("version: 1", "version: 1\nwidth: 3"),
      `${environment}:2:1: unknown key "width"`,
    ],
    ["a wrong type", inShop("count: 1", "count: many"), 'roles.db.count is "many"'],
    ["a missing key", inShop("    instanceType: t3.medium\n", ""), "roles.db.instanceType is missing"],
    [
      "a value of the wrong form",
      inShop("1h", "soon"),
      'objectives.rpo is "soon"; give a duration such as 90s, 15m, 4h or 1d',
    ],
    [
      "an unquoted account",
      inShop('"123456789012"', "123456789012"),
      `${environment}:3:10: account is 123456789012`,
    ],
    ["another version", inShop("version: 1", "version: 2"), `${environment}:1:10: version is 2`],
    ["broken YAML", inShop("regions: {", "regions: ["), `${environment}:4:`],
    [
      "a key that is there twice",
      inShop("name: shop", "name: shop\nname: store"),
      `${environment}:3:1: not valid YAML at "name: store": Map keys must be unique`,
    ],
    [
      "a byte that is no UTF-8",
      inShop("name: shop", "name: shop\ndescription: caf\ufffd"),
      `${environment}:3:17: not valid YAML at "\ufffd": the file is not in UTF-8`,
    ],
    [
      "half a base image",
      inDb('owner: amazon, name: "image-*"', "owner: amazon"),
      `${db}:3:9: image.base.name is missing`,
    ],
    ["a health check of an unknown kind", inWeb("kind: http", "kind: ping"), 'health.kind is "ping"'],
    [
      "another name than the file's",
      inShop("name: shop", "name: store"),
      `${environment}:2:7: name is "store"`,
    ],
    ["an unknown role", inShop("  db:", "  dbx:"), "there is no configs/roles/dbx/role.yaml"],
    ["an unknown dependence", inShop("dependsOn: [db]", "dependsOn: [bd]"), 'did you mean "db"?'],
    [
      "a cycle of dependence",
      inShop("t3.medium\n", "t3.medium\n    dependsOn: [web]\n"),
      "web → db → web; remove one",
    ],
    ["an octet over 255", inShop("10.10.1.0/24", "10.10.300.0/24"), "an octet is over 255"],
    ["host bits", inShop("10.10.1.0/24", "10.10.1.7/24"), "the block of that size begins at 10.10.1.0"],
    [
      "overlapping subnets",
      inShop("10.10.1.0/24", "10.10.0.0/25"),
      "overlaps network.primary.zones.a.public 10.10.0.0/24",
    ],
    [
      "a subnet outside of its site",
      inShop("10.10.1.0/24", "10.99.1.0/24"),
      "outside of the site's 10.10.0.0/16",
    ],
    [
      "overlapping sites",
      inShop("cidr: 10.20.0.0/16", "cidr: 10.10.0.0/16"),
      "network.recovery.cidr 10.10.0.0/16 overlaps network.primary.cidr 10.10.0.0/16",
    ],
    [
      "a block too large for AWS",
      inShop("cidr: 10.20.0.0/16", "cidr: 10.16.0.0/12"),
      "AWS takes blocks from /16 to /28",
    ],
    [
      "one region twice",
      inShop("recovery: eu-central-1", "recovery: eu-west-1"),
      "regions.recovery is eu-west-1, the primary region too",
    ],
    [
      "one zone with a load balancer",
      inShop("      b: { public: 10.20.1.0/24, private: 10.20.11.0/24 }\n", ""),
      "network.recovery has one zone, and web, ledger need two",
    ],
    [
      "too many servers for a subnet",
      inShop("count: 1", "count: 600"),
      "has room for 239 fixed servers, and 300 are wanted",
    ],
    ["an objective of nothing", inShop("1h", "0s"), "objectives.rpo is 0"],
    [
      "data behind a load balancer",
      inDb("health:", "loadBalancer: { listenPort: 80, targetPort: 80 }\nhealth:"),
      "a role with a load balancer has volumes",
    ],
    [
      "volumes without storage",
      inDb("storage: { layout: striped, filesystem: xfs, mount: /var/lib/data }\n", ""),
      "volumes without storage",
    ],
    [
      "storage without volumes",
      inWeb("health:", "storage: { layout: single, filesystem: xfs, mount: /data }\nhealth:"),
      "storage without volumes",
    ],
    [
      "one striped volume",
      inDb("  - { name: data-1, device: /dev/sdg, sizeGiB: 10 }\n", ""),
      "storage.layout is striped over one volume",
    ],
    [
      "a way to make quiet of an unknown kind",
      inDb("health:", "quiesce: { kind: oracle }\nhealth:"),
      'quiesce.kind is "oracle"',
    ],
    [
      "a limit that is none",
      inDb("health:", "quiesce: { kind: postgres, limit: 0s }\nhealth:"),
      'quiesce.limit is "0s"; give a duration such as 30s or 2m',
    ],
    [
      "quiesce without volumes",
      inWeb("health:", "quiesce: { kind: filesystem }\nhealth:"),
      "quiesce without volumes",
    ],
    [
      "no freeze where crash consistency is not allowed",
      inDb("health:", "quiesce: { kind: none }\nhealth:"),
      `${db}:10:18: quiesce.kind is none, and environment shop does not allow crash consistency`,
    ],
    [
      "a replica that is no server",
      inDb("health:", "quiesce: { kind: postgres, replica: db-1 }\nhealth:"),
      'quiesce.replica is "db-1", which is no server of the environment; name one of db-0',
    ],
    ["a device that is taken", inDb("/dev/sdg", "/dev/sdf"), "device /dev/sdf is taken by another volume"],
    [
      "iops for a type without them",
      inDb("sizeGiB: 10 }", "sizeGiB: 10, type: st1, iops: 300 }"),
      "iops is 300, and type st1 takes none",
    ],
    [
      "a client that is no role",
      inDb("from: [web]", "from: [wep]"),
      `${db}:5:26: unknown role "wep"; did you mean "web"?`,
    ],
    [
      "an image file that is not there",
      [remove("configs/roles/web/image/run.sh")],
      "configs/roles/web/image/run.sh does not exist",
    ],
    [
      "an unknown key of a baked file",
      inWeb('mode: "0755"', 'mdoe: "0755"'),
      'unknown key "mdoe" in image.files.0; remove it or correct its name: did you mean "mode"?',
    ],
    [
      "a taken image with a recipe",
      inDb('base: { owner: amazon, name: "image-*" }', "taken: pet\n  packages: [nginx]"),
      'unknown key "packages" in image',
    ],
    [
      "copies to a region that has its part anyway",
      inShop("objectives:", "copies: { regions: [eu-north-1, eu-central-1] }\nobjectives:"),
      `${environment}:34:33: eu-central-1 is a region of the environment`,
    ],
    [
      "copies to a region twice",
      inShop("objectives:", "copies: { regions: [eu-north-1, eu-north-1] }\nobjectives:"),
      "eu-north-1 is named twice",
    ],
    [
      "a vault in the account that it is to outlive",
      inShop("objectives:", 'copies: { account: { id: "123456789012", role: vault } }\nobjectives:'),
      "copies.account is the environment's own account",
    ],
    [
      "a role without user-data",
      [remove("cloud-init/templates/db.yaml")],
      "cloud-init/templates/db.yaml does not exist",
    ],
    [
      "a part of the user-data that is not there",
      inDb("health:", "userData: [db.yaml, more.yaml]\nhealth:"),
      `${db}:10:21: cloud-init/templates/more.yaml does not exist`,
    ],
  ])("%s", ([, changes, expected]) => {
    expect(faultsAfter(...changes).join("\n")).toContain(expected);
  });

  test("an environment that does not exist, with the one that was meant", () => {
    const loaded = loadTopology(shopFiles(), "shpo");
    expect(loaded.kind === "faulty" && loaded.faults.map(formatFault)).toEqual([
      'configs/environments/shpo.yaml:1:1: there is no environment "shpo"; name one of shop: did you mean "shop"?',
    ]);
  });

  test("every fault of every file at once, in order", () => {
    const faults = faultsAfter(
      replace("environment", "count: 1", "count: 0"),
      replace("environment", "eu-west-1", "europe"),
      replace("db", "port: 5432, from", "port: 0, from"),
      remove("configs/roles/web/role.yaml"),
    );
    expect(faults.map((fault) => fault.split(": ")[0])).toEqual([
      `${environment}:4:21`,
      `${environment}:17:3`,
      `${environment}:22:12`,
      `${db}:5:13`,
    ]);
  });
});
