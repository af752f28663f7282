import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aServer, type Server, shells } from "../cloud-init/sandboxed-server.ts";

const script = resolve("bootstrap/edges/hosts/data-volumes.sh");
const boot = resolve("cloud-init/boot");

describe.each(
  shells.map((shell) => [shell.join(" "), shell] as const),
)("data volumes of a server, in %s", (_name, shell) => {
  let server: Server;
  beforeEach(() => {
    server = aServer();
    const log = join(server.root, "log");
    server.file("log", "");
    server.file("mounted", "");
    server.file("run/x", "");
    server.file(
      "etc/rekindle/identity",
      "REKINDLE_ENVIRONMENT='shop'\nREKINDLE_ROLE='db'\nREKINDLE_REGION='eu-west-1'\n",
    );
    server.program(
      "rekindle-boot",
      `if [ "\${REKINDLE_BOOT_SOURCED:-}" = 1 ]; then . ${boot}; else echo boot >>${log}; fi`,
    );
    server.program("systemctl", `echo "systemctl $*" >>${log}`);
    server.program("mountpoint", `[ -e ${server.root}/mounted ]`);
    server.program("umount", `echo "umount $*" >>${log}; rm ${server.root}/mounted`);
    server.program("sleep", "exit 0");
    server.program("mdadm", `echo "mdadm $*" >>${log}`);
    server.program("vgchange", `echo "vgchange $*" >>${log}`);
    server.program("pvs", "echo '  rekindle'");
    server.program("lsblk", `printf '%s\\n' "$3 disk" '/dev/md127 raid0'`);
    keeps("striped");
  });
  afterEach(() => server.remove());

  /** What the release that runs says of the data. */
  function keeps(layout: string): void {
    const db = {
      files: [],
      services: ["shop-db.service"],
      health: { kind: "tcp", port: 5432, timeoutSeconds: 5 },
      volumes: [{ name: "data-0", device: "/dev/sdf" }],
      storage: { layout, filesystem: "xfs", mount: "/data" },
    };
    const manifest = { version: 1, environment: "shop", region: "eu-west-1", roles: { db } };
    server.file("var/lib/rekindle/releases/r1/manifest.json", JSON.stringify(manifest));
    try {
      symlinkSync("releases/r1", join(server.root, "var/lib/rekindle/current"));
    } catch {
      // It is there already.
    }
  }
  /** `users` is what holds the data, one look after the other. */
  const call = (name: string, ...users: string[]) => {
    server.file("looks", "0");
    const looks = users.map((held, index) => `${index}) echo '${held}' ;;`).join(" ");
    const fakes = `device_of() { echo /dev/loop-of-\${1##*/}; }
users() { look=$(cat ${server.root}/looks); echo $((look + 1)) >${server.root}/looks; case $look in ${looks} esac; }`;
    return server.run(shell, `. ${script}\n${fakes}\n${name}\n`);
  };
  const log = () => server.read("log").trim().split("\n");

  it("are taken apart after what uses them has stopped", () => {
    expect(call("release", "")).toMatchObject({ code: 0 });
    expect(log()).toEqual(["systemctl stop shop-db.service", "umount /data", "mdadm --stop /dev/md127"]);
  });

  it("of a volume group are taken apart as that", () => {
    keeps("lvm");
    expect(call("release", "")).toMatchObject({ code: 0 });
    expect(log().at(-1)).toBe("vgchange -qan rekindle");
  });

  it("are taken apart by a second run that finds them unmounted", () => {
    call("release", "");
    server.file("log", "");
    expect(call("release", "")).toMatchObject({ code: 0 });
    expect(log()).toEqual(["systemctl stop shop-db.service", "mdadm --stop /dev/md127"]);
  });

  it("are left by other services too, which start again when the data is back, and only once", () => {
    const held = "user 7 backup.service /usr/bin/backup\nuser 8 backup.service /usr/bin/backup";
    const { code, stderr } = call("release", held, "");
    expect(code).toBe(0);
    expect(stderr).toContain("stopped backup.service, which used /data");
    expect(log()).toEqual([
      "systemctl stop shop-db.service",
      "systemctl stop backup.service",
      "umount /data",
      "mdadm --stop /dev/md127",
    ]);
    server.file("log", "");
    for (const _ of [1, 2]) expect(call("resume")).toMatchObject({ code: 0 });
    expect(log()).toEqual(["boot", "systemctl start backup.service", "boot"]);
  });

  it("stay mounted while something holds them that belongs to no service, which is named", () => {
    const held = "user 9 - tail -f /data/log";
    const { code, stderr } = call("release", ...Array.from({ length: 60 }, () => held));
    // 1 would be an answer.
    expect(code).toBe(3);
    expect(stderr).toContain(
      "/data is used by process 9 (tail -f /data/log), which belongs to no service; end it",
    );
    expect(log()).toEqual(["systemctl stop shop-db.service"]);
  });

  it("are not what a server has whose image has no boot script", () => {
    server.program("rekindle-boot", "");
    const { code, stderr } = server.run(shell, `PATH=/usr/bin:/bin; . ${script}; release`);
    expect([code, stderr]).toEqual([127, expect.stringContaining("it has no rekindle-boot")]);
  });
});

it.runIf(spawnSync("shellcheck", ["--version"]).status === 0)(
  "shellcheck has nothing against the script",
  () => {
    const { stdout, status } = spawnSync(
      "shellcheck",
      ["--shell=sh", "--exclude=SC1091,SC2034,SC2154", script],
      {
        encoding: "utf8",
      },
    );
    expect(stdout).toBe("");
    expect(status).toBe(0);
  },
);
