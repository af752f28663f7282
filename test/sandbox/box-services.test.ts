import { mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBox } from "../../sandbox/bodies/box/engine.ts";
import type { Body, Engine } from "../../sandbox/bodies/engine.ts";
import { instanceId, toySurroundings } from "../contracts/toy-surroundings.ts";
import { lackingForBox } from "./box-lacking.ts";

/** Unit files as packages and roles bring them, each for one thing that the stand-in for systemctl has to know. */
const units: Record<string, string> = {
  "plain.service": "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target",
  "user.service": `[Service]
Type=exec
User=www-data
RuntimeDirectory=user
Environment=GREETING="hello there" 'OTHER=x'
EnvironmentFile=-/etc/no-such-file
WorkingDirectory=/var/tmp
ExecStartPre=-/bin/false
ExecStartPre=/bin/sh -c 'echo "$$(id -un) $$PWD $GREETING $\${OTHER} $$RUNTIME_DIRECTORY" >/run/user/said'
ExecStart=/bin/sleep 1000
ExecReload=/bin/sh -c 'echo $MAINPID >/run/user/reloaded'`,
  "forks.service": `[Service]
Type=forking
PIDFile=/run/forks.pid
ExecStart=/bin/sh -c 'setsid sleep 1001 & echo $$! >/run/forks.pid'
ExecStop=/bin/sh -c 'echo $MAINPID >/run/forks.stopped'`,
  "notifies.service": `[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sh -c 'sleep 0.5; touch /run/notified; systemd-notify --ready; exec sleep 1000'`,
  "once.service":
    "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/touch /run/once\nExecStop=/bin/rm /run/once",
  "refuses.service": `[Service]
ExecStartPre=/bin/sh -c 'echo "unknown directive \\"junk\\" in line 1" >&2; exit 3'
ExecStart=/bin/sleep 1000`,
  "restarts.service": `[Service]
Restart=on-failure
RestartSec=100ms
ExecStart=/bin/sh -c 'echo x >>/run/restarts; exec sleep 1002'`,
  "secret.service": `[Service]
DynamicUser=yes
SetCredential=word:sesame
LoadCredential=file:/etc/hostname
Type=oneshot
ExecStart=/bin/sh -c 'cat %d/word >/run/secret/said; id -u >>/run/secret/said; test -r $CREDENTIALS_DIRECTORY/file'
RuntimeDirectory=secret
RuntimeDirectoryPreserve=yes`,
  "many@.service":
    "[Unit]\nPartOf=many.service\nBefore=many.service\n[Service]\nExecStart=/bin/sh -c 'echo %i >>/run/many; exec sleep 1000'",
  "many.service":
    "[Unit]\nWants=many@one.service many@two.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true",
  "needs.service":
    "[Unit]\nRequires=refuses.service\nAfter=refuses.service\n[Service]\nExecStart=/bin/sleep 1000",
  "absent.service": "[Unit]\nConditionPathExists=/no/such/path\n[Service]\nExecStart=/bin/sleep 1000",
};

const dropIn = "[Service]\nExecStart=\nExecStart=/bin/sleep 1003";

const lacking = lackingForBox();
const folder = mkdtempSync(join(tmpdir(), "rekindle-services-"));
const relayScript = join(folder, "relay.mjs");

beforeAll(async () => {
  const bundled = { bundle: true, format: "esm", platform: "node", target: "node20" } as const;
  await build({ ...bundled, entryPoints: ["sandbox/bodies/relay/main.ts"], outfile: relayScript });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

if (lacking) describe("services in a box", () => it.skip(`are not tested here: ${lacking}`, () => undefined));
else {
  describe("services in a box", () => {
    const consoleFile = join(folder, "console");
    let engine: Engine;
    let body: Body;

    beforeAll(async () => {
      engine = await openBox({ folder: join(folder, "disks"), cache: resolve(".rekindle"), relayScript });
      const surroundings = toySurroundings();
      const region = await engine.openRegion("eu-west-1", surroundings);
      const files = Object.entries({ ...units, "plain.service.d/10-other.conf": dropIn });
      surroundings.userData.set(
        "10.0.1.10",
        `#cloud-config\n${JSON.stringify({
          write_files: files.map(([name, content]) => ({
            path: `/etc/systemd/system/${name}`,
            content: `${content}\n`,
          })),
          runcmd: ["systemctl enable plain.service", "echo user-data has run >/dev/console"],
        })}`,
      );
      body = await region.boot({
        id: instanceId("10.0.1.10"),
        address: "10.0.1.10",
        root: await region.rootFrom(await engine.base("eu-west-1")),
        volumes: [],
        consoleFile,
      });
      for (let waited = 0; !said().includes("user-data has run"); waited += 50) {
        if (waited > 120_000) throw new Error(`the machine did not boot: ${said()}`);
        await new Promise((wake) => setTimeout(wake, 50));
      }
    }, 900_000);
    afterAll(async () => await engine?.close());

    const said = () => readFileSync(consoleFile, "utf8");
    const shell = async (script: string) => {
      const { ending, stdout, stderr } = await body.exec(script);
      return { code: ending.kind === "exited" ? ending.code : ending, out: `${stdout}${stderr}`.trim() };
    };
    const ok = { code: 0, out: "" };

    it("run as their unit and its drop-ins say, and stop", async () => {
      expect(await shell("systemctl start plain && systemctl is-active plain")).toEqual({
        code: 0,
        out: "active",
      });
      expect((await shell("pgrep -fx '/bin/sleep 1003'")).code).toBe(0);
      expect(await shell("systemctl stop plain; systemctl is-active plain")).toEqual({
        code: 3,
        out: "inactive",
      });
      expect((await shell("pgrep -fx '/bin/sleep 1003'")).code).toBe(1);
    });

    it("run as their user, in their folder, with their variables and folders", async () => {
      expect(await shell("systemctl start user")).toEqual(ok);
      expect(await shell("cat /run/user/said")).toEqual({
        code: 0,
        out: "www-data /var/tmp hello there x /run/user",
      });
      expect(await shell("ps -o user= -p $(systemctl show -p MainPID --value user)")).toEqual({
        code: 0,
        out: "www-data",
      });
      expect(
        await shell(
          "systemctl reload user && cmp /run/user/reloaded - <<END\n$(systemctl show -p MainPID --value user)\nEND",
        ),
      ).toEqual(ok);
      expect(await shell("systemctl stop user; [ -e /run/user ]")).toEqual({ code: 1, out: "" });
    });

    it("may daemonize, and are known by their PID file", async () => {
      expect(await shell("systemctl start forks; ps -o args= -p $(cat /run/forks.pid)")).toEqual({
        code: 0,
        out: "sleep 1001",
      });
      expect(
        await shell("systemctl stop forks; cmp /run/forks.pid /run/forks.stopped; pgrep -fx 'sleep 1001'"),
      ).toEqual({ code: 1, out: "" });
    });

    it("are up when they say so", async () => {
      expect(
        await shell("systemctl start notifies && [ -e /run/notified ] && systemctl is-active notifies"),
      ).toEqual({ code: 0, out: "active" });
    });

    it("may be nothing but a start and a stop", async () => {
      expect(
        await shell("systemctl start once && systemctl is-active once && rm /run/once && touch /run/once"),
      ).toEqual({ code: 0, out: "active" });
      expect(await shell("systemctl stop once; [ -e /run/once ]")).toEqual({ code: 1, out: "" });
    });

    it("that refuse to start are told with their own words", async () => {
      const { code, out } = await shell("systemctl start refuses");
      expect(code).toBe(1);
      expect(out).toMatch(
        /Job for refuses.service failed: .* exited with 3[\s\S]*unknown directive "junk" in line 1/,
      );
      expect(await shell("systemctl is-active refuses")).toEqual({ code: 3, out: "failed" });
      expect((await shell("systemctl start needs")).code).toBe(1);
      expect((await shell("systemctl start no-such-unit")).out).toMatch(/no-such-unit.service not found/);
    });

    it("are started again after they failed", async () => {
      expect(
        await shell(
          "systemctl start restarts; sleep 0.2; pkill -KILL -fx 'sleep 1002'; sleep 2; wc -l </run/restarts; systemctl is-active restarts",
        ),
      ).toEqual({ code: 0, out: "2\nactive" });
    });

    it("get credentials that nobody else can read, and a user of their own", async () => {
      expect(await shell("systemctl start secret")).toEqual(ok);
      expect((await shell("cat /run/secret/said")).out).toMatch(/^sesame6[1-5]\d{3}$/);
    });

    it("of a template come and go with the unit that they are part of", async () => {
      expect(await shell("systemctl start many; sort /run/many")).toEqual({ code: 0, out: "one\ntwo" });
      expect(await shell("systemctl restart many; sort /run/many | uniq -c | tr -s ' '")).toEqual({
        code: 0,
        out: "2 one\n 2 two",
      });
      expect(await shell("systemctl stop many; systemctl is-active many@one many@two")).toEqual({
        code: 3,
        out: "inactive\ninactive",
      });
    });

    it("whose condition is not met are left out", async () => {
      expect(await shell("systemctl start absent; systemctl is-active absent")).toEqual({
        code: 3,
        out: "inactive",
      });
    });

    it("that are enabled start again with the machine", async () => {
      expect(await shell("systemctl is-enabled plain")).toEqual({ code: 0, out: "enabled" });
      await body.exec("reboot");
      const boots = () => said().split("box: is up").length - 1;
      for (let waited = 0; boots() < 2 && waited < 120_000; waited += 50)
        await new Promise((wake) => setTimeout(wake, 50));
      expect(await shell("systemctl is-active plain user")).toEqual({ code: 0, out: "active\ninactive" });
    });

    it("has an array that is its first disk, and refuses disks of none or of two", async () => {
      await shell(
        "truncate -s 8M /tmp/a /tmp/b /tmp/c /tmp/d; mkdir -p /dev/x; for i in a b c d; do cp /tmp/$i /dev/x/$i; done",
      );
      expect(
        (
          await shell(
            "mdadm --create /dev/md/one --level=0 --raid-devices=2 /dev/x/a /dev/x/b && readlink /dev/md/one",
          )
        ).out,
      ).toMatch(/\/dev\/x\/a$/);
      await shell("mdadm --create /dev/md/two --level=0 --raid-devices=2 /dev/x/c /dev/x/d; rm /dev/md/*");
      expect(
        (await shell("mdadm --assemble /dev/md/one /dev/x/b /dev/x/a && readlink /dev/md/one")).out,
      ).toMatch(/\/dev\/x\/a$/);
      expect(await shell("mdadm --assemble /dev/md/bad /dev/x/a /dev/x/c")).toEqual({
        code: 1,
        out: "mdadm: /dev/md/bad can not be assembled: /dev/x/a is unmarked, /dev/x/c is unmarked",
      });
      expect((await shell("mdadm --assemble /dev/md/bad /dev/x/b /dev/x/d")).code).toBe(1);
    });
  });

  describe("a server in a box that reaches for what is not its own", () => {
    let engine: Engine;
    let hostile: Body;
    let other: Body;

    beforeAll(async () => {
      engine = await openBox({ folder: join(folder, "hostile"), cache: resolve(".rekindle"), relayScript });
      const region = await engine.openRegion("eu-west-1", toySurroundings());
      const boot = async (address: string) =>
        await region.boot({
          id: instanceId(address),
          address,
          root: await region.rootFrom(await engine.base("eu-west-1")),
          volumes: [{ device: "/dev/sdf", disk: await region.blankVolume(1) }],
          consoleFile: join(folder, `console-${address}`),
        });
      [hostile, other] = [await boot("10.0.1.10"), await boot("10.0.1.11")];
      await shell(
        "mkdir /run/all /run/kernel; mount -t devtmpfs all /run/all; mount -t proc proc /run/kernel",
      );
    }, 900_000);
    afterAll(async () => await engine?.close());

    const shell = async (script: string, body = hostile) => {
      const { stdout, stderr } = await body.exec(script);
      return `${stdout}${stderr}`.trim();
    };
    const loopOf = async (body: Body) => await shell("basename $(readlink -f /dev/sdf)", body);
    const reads = "head -c 1 $node >/dev/null 2>&1 && echo ${node#/run/all/}";

    it("reads no disk of this computer but its own volume, wherever it finds them", async () => {
      const [own, theirs] = [await loopOf(hostile), await loopOf(other)];
      const disks = (await shell("cd /run/all && find . -type b")).split("\n");
      expect(disks).toContain(`./${theirs}`);
      expect(await shell(`for node in $(find /run/all -type b); do ${reads}; done`)).toBe(own);
      expect(await shell(`dd if=/dev/zero of=/run/all/${theirs} count=1 2>&1`)).toMatch(/not permitted/);
      expect(await shell(`mount /run/all/${theirs} /mnt 2>&1`)).toMatch(/not permitted|denied/);
      expect(readSync(openSync(`/dev/${theirs}`, "r"), Buffer.alloc(1))).toBe(1);
    });

    it("opens none of this computer's other devices", async () => {
      const asked =
        "for node in /run/all/kmsg /run/all/loop-control /run/all/null; do (: <$node) && echo $node; done";
      expect(await shell(`${asked} 2>/dev/null`)).toBe("/run/all/null");
    });

    it("changes none of its settings", async () => {
      const setting = "/run/kernel/sys/kernel/core_pattern";
      expect(await shell(`cat ${setting} >/run/as-it-was && cat /run/as-it-was >${setting}`)).toMatch(
        /not permitted/,
      );
    });

    it("has its own volumes, and only for as long as they are attached", async () => {
      const own = await loopOf(hostile);
      expect(await shell("mkfs.ext4 -q /dev/sdf && mount /dev/sdf /mnt && umount /mnt && echo works")).toBe(
        "works",
      );
      await hostile.detach("/dev/sdf");
      expect(await shell(`head -c 1 /run/all/${own}`)).toMatch(/not permitted/);
    });
  });
}
