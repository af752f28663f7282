import { describe, expect, it } from "vitest";
import { readLayout } from "../../bootstrap/recovery/layout.ts";

const disks = ["disk\tdata-0\t/dev/nvme1n1", "disk\tdata-1\t/dev/nvme2n1"];
const filesystem = { type: "xfs", uuid: "f-1", mount: "/data" };
const mounted = "filesystem\t/data\txfs\tf-1";

describe("the layout of volumes", () => {
  it("is an array with its members in the array's order", () => {
    const text = [
      ...disks,
      mounted,
      "md\ta:b\thost:rekindle\traid0\t524288",
      "member\t/dev/nvme2n1",
      "member\t/dev/nvme1n1",
    ];
    expect(readLayout(text.join("\n"))).toEqual({
      kind: "md",
      uuid: "a:b",
      name: "host:rekindle",
      level: "raid0",
      stripeKiB: 512,
      members: ["data-1", "data-0"],
      filesystem,
    });
  });

  it("is a logical volume of a group", () => {
    const text = [
      ...disks,
      mounted,
      "lvm\tg-1\trekindle\tl-1\tdata\t65536",
      "member\t/dev/nvme1n1",
      "member\t/dev/nvme2n1",
    ];
    expect(readLayout(text.join("\n"))).toEqual({
      kind: "lvm",
      uuid: "g-1",
      name: "rekindle",
      logicalVolume: { uuid: "l-1", name: "data" },
      stripeKiB: 64,
      members: ["data-0", "data-1"],
      filesystem,
    });
  });

  it("is one volume as it is, or nothing that could be seen", () => {
    expect(readLayout([disks[0], mounted, "member\t/dev/nvme1n1"].join("\n"))).toEqual({
      kind: "single",
      members: ["data-0"],
      filesystem,
    });
    expect(readLayout(disks.join("\n"))).toBeUndefined();
  });
});
