import { describe, expect, test } from "vitest";
import { type Arguments, all, type Synthesized, shop, synthesize } from "./builder.ts";

const stacks = synthesize(shop());

describe("a server with data", () => {
  const db = server(stacks["recovery-stack"], "db-0");

  test("has its volumes attached at launch from their snapshots, encrypted with the region's key", () => {
    expect(db.ebs_block_device).toMatchObject([
      { device_name: "/dev/sdf", snapshot_id: "snap-of-data-0", volume_size: 20, volume_type: "gp3" },
      { device_name: "/dev/sdg", snapshot_id: "snap-of-data-1", iops: 4000, throughput: 250 },
    ]);
    for (const volume of db.ebs_block_device) {
      expect(volume).toMatchObject({ encrypted: true, kms_key_id: expect.stringContaining(":eu-west-1:") });
    }
    expect(all(stacks["recovery-stack"], "aws_volume_attachment")).toEqual([]);
  });

  test("has a volume as large as it had grown", () => {
    const input = shop();
    const pinned = input.recovery;
    if (pinned.kind !== "pinned") throw new Error("nothing is pinned");
    const [first, second] = pinned.pins.volumes["db-0"]!;
    const volumes = { ...pinned.pins.volumes, "db-0": [{ ...first!, sizeGiB: 64 }, second!] };
    const grown = synthesize({ ...input, recovery: { ...pinned, pins: { ...pinned.pins, volumes } } });
    const sizes = server(grown["recovery-stack"], "db-0").ebs_block_device;
    expect(sizes.map((volume: Arguments) => volume.volume_size)).toEqual([64, 20]);
  });

  test("has empty volumes where nothing is pinned", () => {
    for (const volume of server(stacks["primary-stack"], "db-0").ebs_block_device) {
      expect(volume).not.toHaveProperty("snapshot_id");
    }
  });

  test("leaves them behind when it goes", () => {
    expect(db.ebs_block_device.map((volume: Arguments) => volume.delete_on_termination)).toEqual([
      false,
      false,
    ]);
  });

  test("is never replaced by a deployment while its data is only there", () => {
    const fresh = server(stacks["primary-stack"], "db-0");
    expect(fresh.user_data_replace_on_change).toBe(false);
    expect(fresh.lifecycle.ignore_changes).toEqual(expect.arrayContaining(["ami", "user_data_base64"]));
  });

  test("is replaced with its data when it was restored and another plan is deployed", () => {
    expect(db.user_data_replace_on_change).toBe(true);
    const [, address] = /terraform_data\.([\w-]+)/.exec(db.lifecycle.replace_triggered_by[0])!;
    const data = stacks["recovery-stack"].resource.terraform_data![address!];
    expect(data).toMatchObject({ triggers_replace: ["snap-of-data-0", "snap-of-data-1"] });
  });

  test("keeps the volumes that somebody has put in the place of its own", () => {
    for (const stack of Object.values(stacks))
      for (const one of all(stack, "aws_instance"))
        if (one.ebs_block_device.length > 0)
          expect(one.lifecycle.ignore_changes).toContain("ebs_block_device");
  });

  test("names each volume in its tags", () => {
    expect(db.ebs_block_device[0].tags).toMatchObject({
      "rekindle:volume": "data-0",
      "rekindle:server": "db-0",
    });
  });
});

describe("a server without data", () => {
  const app = server(stacks["recovery-stack"], "app-0");

  test("is replaced by one of the new image and release", () => {
    expect(app.user_data_replace_on_change).toBe(true);
    expect(app.lifecycle.ignore_changes).toEqual(["vpc_security_group_ids"]);
  });

  test("says what it is in its tags", () => {
    expect(app.tags).toEqual({
      Name: "shop-app-0",
      "rekindle:environment": "shop",
      "rekindle:site": "recovery",
      "rekindle:role": "app",
      "rekindle:server": "app-0",
      "rekindle:release": "0123456789ab-cdef01234567",
      "rekindle:recipe": "0123456789ab",
      "rekindle:user-data": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("has its own address, an encrypted root volume, and metadata only with a token", () => {
    expect(app).toMatchObject({ private_ip: "10.20.64.16", iam_instance_profile: "rekindle-shop-app" });
    expect(app.root_block_device).toMatchObject({ encrypted: true, volume_size: 8 });
    expect(app.metadata_options).toMatchObject({ http_tokens: "required" });
  });
});

describe("a fleet", () => {
  const [group] = all(stacks["recovery-stack"], "aws_autoscaling_group");
  const [template] = all(stacks["recovery-stack"], "aws_launch_template");

  test("holds its count and waits until the load balancer finds that many healthy", () => {
    expect(group).toMatchObject({
      min_size: 2,
      max_size: 2,
      min_elb_capacity: 2,
      health_check_type: "ELB",
    });
  });

  test("does not make the servers that it waits for exist twice", () => {
    expect(JSON.stringify(stacks)).not.toContain("create_before_destroy");
  });

  test("is another group when its image or release is another", () => {
    const primary = all(stacks["primary-stack"], "aws_autoscaling_group")[0]!;
    expect(group!.name).toMatch(/^shop-r-web-[0-9a-f]{8}$/);
    expect(primary.name).toMatch(/^shop-p-web-[0-9a-f]{8}$/);
    const digests = [group!.name, primary.name].map((name: string) => name.slice(-8));
    expect(digests[0]).not.toBe(digests[1]);
  });

  test("launches encrypted, tagged servers with metadata only with a token", () => {
    expect(template).toMatchObject({
      image_id: "ami-22345678",
      metadata_options: { http_tokens: "required" },
      block_device_mappings: [{ ebs: { encrypted: "true" } }],
      iam_instance_profile: { name: "rekindle-shop-web" },
    });
    expect(template!.tag_specifications.map(({ resource_type }: Arguments) => resource_type)).toEqual([
      "instance",
      "volume",
    ]);
  });

  test("is asked for its health as its role says", () => {
    expect(all(stacks["recovery-stack"], "aws_lb_target_group")[0]).toMatchObject({
      name: "shop-r-web",
      port: 8080,
      health_check: { protocol: "HTTP", port: "8080", path: "/healthz" },
    });
  });
});

test("security groups let in what the code says and nothing else", () => {
  const rules = Object.keys(stacks["recovery-stack"].resource.aws_vpc_security_group_ingress_rule!);
  expect(
    rules.map((address) => address.replace(/^site_security-groups_(.*)_[0-9A-F]{8}$/, "$1")).sort(),
  ).toEqual([
    "load-balancer-web-80-from-0-0-0-0-0",
    "role-app-9000-from-role-web",
    "role-db-5432-from-role-app",
    "role-web-8080-from-load-balancer-web",
  ]);
});

function server(stack: Synthesized, name: string): Arguments {
  return all(stack, "aws_instance").find(({ tags }) => tags["rekindle:server"] === name)!;
}
