import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lackingForLoops, sh } from "./loop-volume.ts";

const lacking = lackingForLoops("vgrename");

/**
 * LVM's own programs on loop devices that nothing else of the machine sees. Nothing is activated: that takes a device
 * mapper, which not every machine's kernel has.
 */
describe.skipIf(lacking !== undefined)("a volume group of a rebuilt server", () => {
  let folder: string;
  let disks: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-lvm-"));
    disks = ["a", "b", "c"].map((name) =>
      sh(`truncate -s 64M ${folder}/${name} && losetup --find --show ${folder}/${name}`).trim(),
    );
  });
  afterEach(async () => {
    for (const disk of disks) sh(`losetup -d ${disk}`);
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs LVM, or the boot script's functions, where only some of the disks are there. */
  async function seeing(visible: readonly string[], script: string): Promise<string> {
    const system = join(folder, "lvm");
    const filter = [...visible.map((disk) => `"a|^${disk}$|"`), '"r|.*|"'].join(", ");
    await mkdir(system, { recursive: true });
    await writeFile(
      join(system, "lvm.conf"),
      `devices { use_devicesfile=0 filter=[${filter}] }\nglobal { activation=0 locking_dir="${system}" }\nbackup { backup=0 archive=0 }\n`,
    );
    const boot = `export REKINDLE_BOOT_SOURCED=1; . ${resolve("cloud-init/boot")}; work= state=${folder}`;
    return sh(
      `export LVM_SYSTEM_DIR=${system} LVM_SUPPRESS_FD_WARNINGS=1; ${boot}; { ${script}; } 2>/dev/null`,
    );
  }
  const make = (own: readonly string[]) =>
    seeing(
      own,
      `pvcreate -q ${own.join(" ")} >&2 && vgcreate -q rekindle ${own.join(" ")} >&2 &&
       lvcreate -q -an -Zn -Wn -i ${own.length} -l 100%FREE -n data rekindle >&2; vgs --noheadings -o vg_uuid`,
    );

  test("is found under its own name, and mounted from its own disks, while another one of that name is there", async () => {
    const [twin, ...own] = disks;
    const [twinsUuid, uuid] = [(await make([twin!])).trim(), (await make(own)).trim()];
    for (const _again of [1, 2])
      expect(await seeing(disks, `assemble_group ${own.join(" ")}`)).toBe("/dev/rekindle1/data\n");
    const groups = await seeing(disks, "vgs --noheadings -o vg_name,vg_uuid -O vg_name");
    expect(groups.trim().split(/\s+/)).toEqual(["rekindle", twinsUuid, "rekindle1", uuid]);
  });

  test("keeps its name when it is the only one of it", async () => {
    await make(disks);
    expect(await seeing(disks, `assemble_group ${disks.join(" ")}`)).toBe("/dev/rekindle/data\n");
  });

  test("takes no name that two others have already", async () => {
    const [one, other] = disks;
    await make([one!]);
    await make([other!]);
    expect(await seeing(disks, "free_name is_group")).toBe("rekindle1\n");
  });
});
