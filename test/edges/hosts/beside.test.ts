import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

/** What no kernel without md and device mapper can show: the commands that are given, and their order. */
describe("an old array or volume group beside the present one", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rekindle-beside-"));
    for (const name of ["mdadm", "vgimportclone", "vgchange", "mount", "mkdir", "umount", "rmdir"])
      program(name, "");
    program("mountpoint", "exit 1");
    program("lsblk", "");
    program("vgs", '[ "$1" = beside1 ]');
    program("lvs", "echo '  /dev/beside2/data'");
    program("blkid", "echo xfs");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A program that notes how it was called. */
  function program(name: string, script: string): void {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>${folder}/calls\n${script}\n`);
    chmodSync(path, 0o755);
  }
  const looks = /^(mountpoint|lsblk|vgs|lvs|blkid|mkdir|rmdir) /;
  function run(words: string) {
    const script = `. ${resolve("bootstrap/edges/hosts/beside.sh")}; is_disk() { :; }; ${words}`;
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const { status, stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8", env });
    const calls = readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");
    return { status, stdout, stderr, calls: calls.filter((call) => !looks.test(call)) };
  }

  it("is assembled with a UUID of its own, so that it is not taken for the one in use", () => {
    expect(run("beside md /mnt/old ro /dev/c /dev/d")).toMatchObject({
      status: 0,
      stdout: "/dev/md/beside1\n",
      calls: [
        "mdadm --assemble /dev/md/beside1 --run --update=uuid /dev/c /dev/d",
        "mount -o ro,nouuid /dev/md/beside1 /mnt/old",
      ],
    });
  });

  it("is first taken apart when udev has put it together", () => {
    program("lsblk", "echo '/dev/c disk'; echo '/dev/md127 raid0'");
    expect(run("beside md /mnt/old ro /dev/c").calls).toContain("mdadm --stop /dev/md127");
  });

  it("is imported under the first free name, with UUIDs of its own", () => {
    expect(run("beside lvm /mnt/old rw /dev/c /dev/d")).toMatchObject({
      status: 0,
      stdout: "/dev/beside2/data\n",
      calls: [
        "vgimportclone --basevgname beside2 /dev/c /dev/d",
        "vgchange -q -ay beside2",
        "mount -o rw,nouuid /dev/beside2/data /mnt/old",
      ],
    });
  });

  it("is not mounted when the disks are no whole one", () => {
    program("mdadm", "exit 1");
    const { status, stderr, calls } = run("beside md /mnt/old ro /dev/c");
    expect([status, stderr]).toEqual([2, "rekindle: /dev/c are no whole array\n"]);
    expect(calls.some((call) => call.startsWith("mount "))).toBe(false);
  });

  it("is taken away as a whole", () => {
    program("findmnt", "echo /dev/md/beside1");
    program("lsblk", "echo raid0");
    expect(run("away /mnt/old").calls).toEqual([
      "findmnt -fno SOURCE --mountpoint /mnt/old",
      "umount /mnt/old",
      "mdadm --stop /dev/md/beside1",
    ]);
  });
});

describe.skipIf(spawnSync("shellcheck", ["--version"]).status !== 0)(
  "scripts that are sent to servers",
  () => {
    it.each(["quiesce.sh", "disks.sh", "layout.sh", "beside.sh"])("%s passes shellcheck", (name) => {
      const { stdout } = spawnSync("shellcheck", ["-s", "sh", `bootstrap/edges/hosts/${name}`], {
        encoding: "utf8",
      });
      expect(stdout).toBe("");
    });
  },
);
