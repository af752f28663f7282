import { describe, expect, test } from "vitest";
import { all, ledger, refusedBecause, shop, synthesize } from "./builder.ts";

const shopStacks = synthesize(shop());
const recovery = shopStacks["recovery-stack"];

describe("primary and recovery", () => {
  test.each([
    ["shop", shop],
    ["ledger", ledger],
  ])("of %s are the same resources", (_, environment) => {
    const stacks = synthesize(environment());
    const addresses = (name: "primary-stack" | "recovery-stack") =>
      Object.entries(stacks[name].resource)
        .flatMap(([type, resources]) => Object.keys(resources).map((address) => `${type}.${address}`))
        // A fleet's template has the digest of its content in its address.
        .map((address) => address.replace(/template-.*/, "template"));
    // Only a primary has a region to send its databases' backups to: on the day no other region is asked.
    const sent = (address: string) => address.startsWith("aws_db_instance_automated_backups_replication.");
    expect(addresses("recovery-stack")).toEqual(addresses("primary-stack").filter((one) => !sent(one)));
  });

  test("keep their state in the recovery region, locked by S3 itself", () => {
    for (const [name, stack] of Object.entries(shopStacks)) {
      expect(stack.terraform.backend.s3).toMatchObject({
        bucket: "rekindle-shop-state-123456789012-eu-west-1",
        key: `${name}.tfstate`,
        region: "eu-west-1",
        encrypt: true,
        use_lockfile: true,
      });
    }
  });

  test("refuse another account and tag all that they make", () => {
    expect(recovery.provider.aws![0]).toMatchObject({
      region: "eu-west-1",
      allowed_account_ids: ["123456789012"],
      default_tags: [{ tags: { "rekindle:environment": "shop", "rekindle:site": "recovery" } }],
    });
  });
});

describe("a rebuild", () => {
  test.each([
    ["shop", shop],
    ["ledger", ledger],
  ])("of %s creates no identity, key, bucket or hosted zone", (_, environment) => {
    const types = Object.keys(synthesize(environment())["recovery-stack"].resource);
    expect(types.filter((type) => /^aws_(iam|kms|s3|route53|backup)/.test(type))).toEqual([]);
  });

  test("looks up nothing but its images, in its own region", () => {
    expect(Object.keys(recovery.data ?? {})).toEqual(["aws_ami"]);
    expect(Object.keys(synthesize(ledger())["recovery-stack"].data ?? {})).toEqual([]);
  });

  test("is made in the region of its plan, be it the primary's", () => {
    const input = shop();
    if (input.recovery.kind === "refused") throw new Error("the builder's input is pinned");
    const pins = { ...input.recovery.pins, region: "eu-central-1" };
    const { provider, resource } = synthesize({ ...input, recovery: { kind: "pinned", pins } })[
      "recovery-stack"
    ];
    expect(provider.aws![0]).toMatchObject({ region: "eu-central-1" });
    const zones = Object.values(resource.aws_subnet!).map((subnet) => subnet.availability_zone);
    expect(new Set(zones)).toEqual(new Set(["eu-central-1a", "eu-central-1b"]));
  });

  test("tells where its load balancers, servers and databases are", () => {
    expect(recovery.output!.servers!.value).toEqual({ "app-0": "10.20.64.16", "db-0": "10.20.64.17" });
    expect(Object.keys(recovery.output!.load_balancers!.value as object)).toEqual(["web"]);
    expect(Object.keys(synthesize(ledger())["recovery-stack"].output!.databases!.value as object)).toEqual([
      "ledger",
    ]);
  });
});

describe("the order of dependence", () => {
  test("makes servers wait for the network and for what their role depends on", () => {
    const [app, db] = ["app-0", "db-0"].map(
      (name) => all(recovery, "aws_instance").find(({ tags }) => tags["rekindle:server"] === name)!,
    );
    expect(app!.depends_on).toEqual([
      expect.stringMatching(/^terraform_data\.site_order_network/),
      expect.stringMatching(/^terraform_data\.site_order_db/),
    ]);
    expect(db!.depends_on).toEqual([expect.stringMatching(/^terraform_data\.site_order_network/)]);
    expect(all(recovery, "aws_autoscaling_group")[0]!.depends_on).toContainEqual(
      expect.stringMatching(/^terraform_data\.site_order_app/),
    );
  });

  test("opens the gate of a role when its servers are there", () => {
    const gates = Object.entries(recovery.resource.terraform_data!);
    const [, gate] = gates.find(([address]) => address.startsWith("site_order_db"))!;
    expect(gate.depends_on).toEqual([expect.stringMatching(/^aws_instance\.site_role-db_db-0/)]);
  });
});

test("an environment of 500 servers has all of them, and no more edges than servers wait for gates", () => {
  const large = {
    ...shop({ counts: { app: 250, db: 250 } }),
    primary: refusedBecause("only one site is of interest"),
  };
  const servers = all(synthesize(large)["recovery-stack"], "aws_instance");
  expect(new Set(servers.map(({ tags }) => tags["rekindle:server"])).size).toBe(500);
  expect(servers.flatMap(({ depends_on }) => depends_on).length).toBeLessThanOrEqual(2 * servers.length);
}, 20_000);
