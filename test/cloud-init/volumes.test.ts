import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aBootingServer, type BootingServer } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

const megabyte = Buffer.alloc(1 << 20);
const log = "../root-bucket/mdadm";

describe.each(
  shells.map((shell) => [shell.join(" "), shell] as const),
)("data volumes in %s", (_name, shell) => {
  let server: BootingServer;
  let disks: string[];
  beforeEach(() => {
    server = aBootingServer();
    disks = ["d0", "d1"].map((name) => server.file(`dev/${name}`, megabyte));
    // blkid says 2 of a device without a signature. Here, "signed" and "torn" are signatures.
    server.program(
      "blkid",
      'for disk in "$@"; do :; done; case $(head -c 6 "$disk") in signed) exit 0;; torn*) exit 8;; *) exit 2;; esac',
    );
    server.program("lsblk", "");
    server.program("mdadm", `echo "$*" >> "$REKINDLE_ROOT-bucket/mdadm"`);
    server.file(log, "");
    server.file("var/lib/rekindle/installed", "{}");
  });
  afterEach(() => server.remove());

  const assemble = (layout = "striped") => server.call(shell, `assemble ${layout} ${disks.join(" ")}`);
  const sign = (name: string, signature: string) =>
    server.file(`dev/${name}`, Buffer.concat([Buffer.from(signature), megabyte]));

  it("are striped anew when all are blank", () => {
    expect(assemble().code).toBe(0);
    expect(server.read(log)).toContain(`--create /dev/md/rekindle`);
    expect(server.read(log)).toContain(`--level=0 --raid-devices=2 ${disks.join(" ")}`);
  });

  it("are assembled as they are when all have data", () => {
    for (const name of ["d0", "d1"]) sign(name, "signed");
    expect(assemble().code).toBe(0);
    expect(server.read(log)).toBe(`--assemble /dev/md/rekindle ${disks.join(" ")}\n`);
  });

  it("with data are assembled under another name when an array of theirs is there already", () => {
    for (const name of ["d0", "d1"]) sign(name, "signed");
    server.file("dev/md/rekindle", "");
    expect(assemble().stdout).toBe("/dev/md/rekindle1\n");
    expect(server.read(log)).toBe(`--assemble /dev/md/rekindle1 ${disks.join(" ")}\n`);
  });

  it("are left alone when only some are blank", () => {
    sign("d0", "signed");
    const { code, stderr } = assemble();
    expect(code).toBe(1);
    expect(stderr).toContain("1 of 2 data volumes are blank");
    expect(server.read(log)).toBe("");
  });

  it("say so when they can't be striped", () => {
    server.program("mdadm", "exit 1");
    const { code, stderr } = assemble();
    expect(code).toBe(1);
    expect(stderr).toContain("can't be striped");
  });

  it("are blank again after a run that was killed while it formatted them, and only those", () => {
    const [ours, another] = [
      `layout=striped; undo_formatting ${disks.join(" ")}`,
      `undo_formatting ${disks[0]}`,
    ];
    server.call(shell, `begin_formatting ${disks.join(" ")}`);
    for (const name of ["d0", "d1"]) sign(name, "signed");
    server.call(shell, `layout=single; ${another}`);
    expect(server.read("dev/d0").slice(0, 6)).toBe("signed");
    expect(server.call(shell, ours)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("begins again"),
    });
    expect(server.call(shell, `is_blank ${disks[0]} && is_blank ${disks[1]} && echo blank`).stdout).toBe(
      "blank\n",
    );
  });

  it("with data are never taken for ones that a killed run was formatting", () => {
    for (const name of ["d0", "d1"]) sign(name, "signed");
    server.call(shell, `layout=striped; undo_formatting ${disks.join(" ")}`);
    expect(server.read("dev/d0").slice(0, 6)).toBe("signed");
  });

  it("are mounted when the server starts again, in place of an earlier line for the same folder", () => {
    server.file("etc/fstab", "# /data\nUUID=r / ext4 defaults 0 1\nUUID=old /data xfs defaults 0 2\n");
    server.call(shell, "write_mount UUID=new /data ext4; write_mount UUID=new /data ext4");
    expect(server.read("etc/fstab")).toBe(
      "# /data\nUUID=r / ext4 defaults 0 1\nUUID=new /data ext4 defaults,nofail 0 2\n",
    );
  });

  it("are left alone when they make no array", () => {
    for (const name of ["d0", "d1"]) sign(name, "signed");
    server.program("mdadm", "exit 1");
    const { code, stderr } = assemble();
    expect(code).toBe(1);
    expect(stderr).toContain("are no whole array; nothing was formatted");
  });

  it("are taken as the array that the kernel has assembled already", () => {
    for (const name of ["d0", "d1"]) sign(name, "signed");
    server.program("lsblk", `printf '%s\\n' "$3 disk" '/dev/md127 raid0'`);
    expect(assemble().stdout).toBe("/dev/md127\n");
    expect(server.read(log)).toBe("");
  });

  it("are used as they are when there is one", () => {
    expect(assemble("single").stdout).toBe(`${disks[0]}\n`);
    expect(server.read(log)).toBe("");
  });

  it.each([
    ["with a signature", () => sign("d0", "signed")],
    ["with signatures that contradict each other", () => sign("d0", "torn  ")],
    ["without a signature that was written to", () => sign("d0", "x")],
    ["that is not there", () => `${server.root}/dev/none`],
  ])("are not blank when there is one %s", (_what, disk) => {
    expect(server.call(shell, `is_blank ${disk()} || echo kept`).stdout).toBe("kept\n");
  });

  it("are not blank when blkid is not there", () => {
    server.program("blkid", "exit 127");
    expect(server.call(shell, `is_blank ${disks[0]} || echo kept`).stdout).toBe("kept\n");
  });
});
