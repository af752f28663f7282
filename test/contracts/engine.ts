import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../bootstrap/edges/process.ts";
import type { Body, Disk, Engine, EngineRegion } from "../../sandbox/bodies/engine.ts";
import { instanceId, type ToySurroundings, toySurroundings } from "./toy-surroundings.ts";

/** How an engine is opened for the suite; what is below the folder is the suite's own. */
export interface EngineUnderTest {
  open(folder: string): Promise<Engine>;
  /** How long a machine may take to boot. */
  bootLimitMs: number;
}

const home = "eu-west-1";
const away = "eu-central-1";

/**
 * What every engine of bodies promises. Each test says what it needs and nothing more; the machines of a region are
 * shared where a test leaves them as it found them, since some engines take a minute to boot one.
 */
export function engineContract(name: string, { open, bootLimitMs }: EngineUnderTest): void {
  describe(`the engine ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "rekindle-bodies-"));
    let engine: Engine;
    let surroundings: ToySurroundings;
    let region: EngineRegion;
    let machines = 0;

    beforeAll(async () => {
      engine = await open(join(folder, "disks"));
      await engine.prepareBase(() => undefined);
      surroundings = toySurroundings();
      region = await engine.openRegion(home, surroundings);
    }, 900_000);
    afterAll(async () => {
      await engine?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Boots a machine of some image with user-data, and waits until its user-data has run. */
    const server = async (
      userData: string,
      wants: { image?: Disk; root?: Disk; volumes?: { device: string; disk: Disk }[]; address?: string } = {},
    ): Promise<Server> => {
      machines += 1;
      const address = wants.address ?? `10.0.1.${machines + 9}`;
      surroundings.userData.set(address, userData);
      const root = wants.root ?? (await region.rootFrom(wants.image ?? (await engine.base(home))));
      const consoleFile = join(folder, `console-${machines}`);
      const body = await region.boot({
        id: instanceId(address),
        address,
        root,
        volumes: wants.volumes ?? [],
        consoleFile,
      });
      const said = () => (existsSync(consoleFile) ? readFileSync(consoleFile, "utf8") : "");
      return { ...body, address, root, said };
    };

    const booted = async (...wants: Parameters<typeof server>): Promise<Server> => {
      const one = await server(...wants);
      await until(
        () => one.said().includes("user-data has run"),
        bootLimitMs,
        () => one.said(),
      );
      return one;
    };

    const shell = async (body: Body, script: string) => {
      const { ending, stdout, stderr } = await body.exec(script);
      if (ending.kind !== "exited" || ending.code !== 0)
        throw new Error(`${script}: ${JSON.stringify(ending)} ${stderr}`);
      return stdout.trim();
    };

    describe("with a server that has booted", () => {
      let web: Server;
      beforeAll(async () => {
        surroundings.names.set("db.internal", "10.0.1.200");
        web = await booted(
          [
            "#cloud-config",
            "write_files:",
            "  - { path: /etc/motd, content: written by user-data }",
            "runcmd:",
            "  - mkdir /srv/www && echo hello > /srv/www/index.html",
            '  - curl -sS -d "from the body" "$AWS_ENDPOINT_URL/some/call"',
            "  - [sh, -c, 'cd /srv/www && setsid python3 -m http.server 8080 </dev/null >/dev/null 2>&1 &']",
            "  - echo user-data has run >/dev/console",
          ].join("\n"),
        );
      }, bootLimitMs + 60_000);

      it("has run its user-data with cloud-init, which knows it for an instance of EC2", async () => {
        expect(await shell(web, "cat /etc/motd")).toBe("written by user-data");
        expect(
          await shell(
            web,
            "cloud-init query v1.cloud_name v1.instance_id 2>/dev/null || cloud-init query v1.cloud_name",
          ),
        ).toMatch(/^aws/);
        expect(await shell(web, "cat /run/cloud-init/.instance-id")).toBe(instanceId(web.address));
      });

      it("has asked AWS where its environment says", () => {
        expect(surroundings.asked).toContain("POST /some/call from the body");
      });

      it("says on its console what its boot says", () => {
        expect(web.said()).toMatch(/Cloud-init v\. .* running 'init'/);
      });

      it("is reached on its ports, and refuses others", async () => {
        expect(await ask(region, web.address, 8080)).toMatch(/200 OK[\s\S]*hello/);
        await expect(region.connect(web.address, 81)).rejects.toThrow(/ECONNREFUSED/);
      });

      it("tells how a script ended, and what it wrote", async () => {
        const script = "echo out; echo err >&2; exit 7";
        expect(await web.exec(script)).toEqual({
          ending: { kind: "exited", code: 7 },
          stdout: "out\n",
          stderr: "err\n",
        });
      });

      it("opens a shell, which ends with its input, if it can open one", async ({ skip }) => {
        if (web.shell === undefined) return skip("this engine has no way in for a terminal");
        const [command, ...args] = web.shell();
        const { stdout } = await run(command, args, { input: "id -un; cat /etc/hostname; exit 3\n" });
        expect(stdout.trim()).toBe(`root\n${await shell(web, "cat /etc/hostname")}`);
      });

      it("ends a script that takes too long, with all that it started", async () => {
        const { ending } = await web.exec("sleep 1234 & sleep 1234; echo late", { timeoutMs: 500 });
        expect(ending).toEqual({ kind: "killed", signal: "SIGKILL" });
        expect(await shell(web, "pgrep -fx 'sleep 1234' || echo none")).toBe("none");
      });

      it("leaves what a script has started in the background", async () => {
        await shell(web, "setsid sleep 4321 </dev/null >/dev/null 2>&1 &");
        expect(await shell(web, "pkill -fx 'sleep 4321' && echo there")).toBe("there");
      });

      it("knows the names of its region, and no other ones", async () => {
        expect(await shell(web, "getent ahostsv4 db.internal | head -1 | cut -d' ' -f1")).toBe("10.0.1.200");
        expect((await web.exec("getent hosts example.com")).ending).toEqual({ kind: "exited", code: 2 });
      });

      it("reaches nothing outside", async () => {
        const { ending, stderr } = await web.exec("curl -sS --max-time 10 http://1.1.1.1/");
        expect(ending).toMatchObject({ kind: "exited" });
        expect(stderr).toMatch(/connect|resolve|timed out/i);
        expect(await shell(web, `curl -sS -x http://169.254.169.254:3142 http://example.com/`)).toMatch(
          /none of/,
        );
      });

      it("has the private address, where others of its region reach it", {
        timeout: bootLimitMs * 2,
      }, async () => {
        const client = await booted("#cloud-config\nruncmd: [echo user-data has run >/dev/console]");
        expect(await shell(client, `curl -sS http://${web.address}:8080/`)).toBe("hello");
        await client.powerOff();
      });
    });

    describe("with a server on two volumes", () => {
      let db: Server;
      let volumes: Disk[];
      let atOneInstant: Disk[];

      beforeAll(async () => {
        volumes = [await region.blankVolume(1), await region.blankVolume(1)];
        const [first, second] = volumes as [Disk, Disk];
        db = await booted(
          [
            "#cloud-config",
            "runcmd:",
            "  - mkfs.xfs -q /dev/sdf && mkdir /first && mount /dev/sdf /first",
            "  - mkfs.ext4 -q /dev/sdg && mkdir /second && mount /dev/sdg /second",
            "  - echo user-data has run >/dev/console",
          ].join("\n"),
          {
            volumes: [
              { device: "/dev/sdf", disk: first },
              { device: "/dev/sdg", disk: second },
            ],
          },
        );
      }, bootLimitMs + 60_000);

      it("copies them at one instant, whoever writes to them", async () => {
        const writer =
          "n=0; while n=$((n + 1)); do echo $n >>/first/log; sync /first/log; echo $n >>/second/log; sync /second/log; done";
        await shell(db, `setsid sh -c '${writer}' </dev/null >/dev/null 2>&1 & echo $! >/run/writer`);
        await until(
          async () => Number(await shell(db, "cat /second/log 2>/dev/null | wc -l")) > 20,
          bootLimitMs,
          db.said,
        );
        atOneInstant = await region.snapshot(volumes);
        const before = Number(await shell(db, "cat /second/log 2>/dev/null | wc -l"));
        await until(
          async () => Number(await shell(db, "cat /second/log 2>/dev/null | wc -l")) > before,
          bootLimitMs,
          db.said,
        );
        await shell(db, "kill $(cat /run/writer)");

        const copies = [];
        for (const snapshot of atOneInstant) copies.push(await region.volumeFrom(snapshot, 1));
        await db.attach("/dev/sdh", copies[0]!);
        await db.attach("/dev/sdi", copies[1]!);
        // Another file system with the same identity is mounted already.
        await shell(db, "mkdir -p /a /b && mount -o nouuid /dev/sdh /a && mount /dev/sdi /b");
        const [first, second] = (await shell(db, "tail -n 1 /a/log /b/log | grep -x '[0-9][0-9]*'"))
          .split("\n")
          .map(Number);
        expect(first).toBeGreaterThanOrEqual(20);
        expect([0, 1]).toContain(first! - second!);
        await shell(db, "umount /a /b");
        for (const device of ["/dev/sdh", "/dev/sdi"]) await db.detach(device);
        for (const copy of copies) await region.remove(copy);
      });

      it("gives a volume of a snapshot the size that is asked for, blank behind the data", async () => {
        const larger = await region.volumeFrom(atOneInstant[1]!, 2);
        await db.attach("/dev/sdj", larger);
        expect(await shell(db, "blockdev --getsize64 /dev/sdj")).toBe(String(2 * 1024 ** 3));
        expect(await shell(db, "cmp -n 1048576 -i 1G:0 /dev/sdj /dev/zero && echo blank")).toBe("blank");
        await db.detach("/dev/sdj");
        expect(await shell(db, "[ -e /dev/sdj ] || echo gone")).toBe("gone");
      });

      it("saves a snapshot outside of the run, and makes volumes of what it has saved", async () => {
        const saved = join(folder, "saved-snapshot");
        mkdirSync(saved);
        await region.save(atOneInstant[1]!, saved);
        const loaded = await region.load(saved);
        const volume = await region.volumeFrom(loaded, 1);
        await region.remove(loaded);
        await db.attach("/dev/sdk", volume);
        expect(await shell(db, "mount -o ro /dev/sdk /mnt && head -n 1 /mnt/log && umount /mnt")).toBe("1");
        await db.detach("/dev/sdk");
      });

      it("refuses to detach what is mounted, with the reason, and it stays", async () => {
        await expect(db.detach("/dev/sdf")).rejects.toThrow(/mounted on \/first|in use|busy/);
        await shell(db, "touch /first/still-there");
      });

      it("refuses to attach a volume twice, and to remove one in use", async () => {
        await expect(db.attach("/dev/sdk", volumes[0]!)).rejects.toThrow(/is attached to/);
        await expect(region.remove(volumes[0]!)).rejects.toThrow(/in use/);
      });

      it("leaves a file system frozen that somebody had frozen before", async () => {
        await shell(db, "fsfreeze -f /first");
        await region.snapshot(volumes);
        expect(
          await shell(db, "fsfreeze -f /first 2>&1; fsfreeze -u /first && fsfreeze -u /second 2>&1 || true"),
        ).toMatch(/busy[\s\S]*\/second/i);
      });

      it("copies a volume that no machine has", async () => {
        const volume = await region.volumeFrom(atOneInstant[0]!, 1);
        const [snapshot] = await region.snapshot([volume]);
        expect(await region.volumeFrom(snapshot!, 1)).not.toBe(volume);
      });

      it("keeps what was written when the power goes, and when it goes off", {
        timeout: bootLimitMs * 3,
      }, async () => {
        await shell(
          db,
          "echo kept >/first/kept && sync /first/kept && echo root >/etc/kept && sync /etc/kept",
        );
        await region.kill();
        await db.stopped;
        const [first, second] = volumes as [Disk, Disk];
        const again = await booted("#cloud-config\nbootcmd: [echo user-data has run >/dev/console]", {
          root: db.root,
          address: db.address,
          volumes: [
            { device: "/dev/sdf", disk: first },
            { device: "/dev/sdg", disk: second },
          ],
        });
        expect(await shell(again, "mount /dev/sdf /first && cat /first/kept /etc/kept")).toBe("kept\nroot");
        await again.powerOff();
        await expect(again.exec("true")).rejects.toThrow(/does not run/);
      });
    });

    describe("with a builder", () => {
      let image: Disk;
      beforeAll(async () => {
        const builder = await server(
          [
            "#cloud-config",
            "package_update: true",
            "packages: [tree]",
            "write_files: [{ path: /etc/baked, content: baked }]",
            "power_state:",
            "  { mode: poweroff, delay: now, timeout: 60, condition: [sh, -c, 'cloud-init clean --logs; true'] }",
          ].join("\n"),
        );
        await builder.stopped;
        image = await region.imageOf(builder.root);
        await region.remove(builder.root);
      }, bootLimitMs * 3);

      it("makes an image whose servers have what it installed, each a root of its own", {
        timeout: bootLimitMs * 3,
      }, async () => {
        const userData = "#cloud-config\nruncmd: [echo user-data has run >/dev/console]";
        const [one, other] = [await booted(userData, { image }), await server(userData, { image })];
        expect(
          await shell(one, "tree --version >/dev/null && cat /etc/baked && echo changed >/etc/baked"),
        ).toBe("baked");
        expect(await shell(other, "cat /etc/baked")).toBe("baked");
        await one.powerOff();
        await other.powerOff();
      });

      it("makes an image of a server that runs", { timeout: bootLimitMs * 3 }, async () => {
        const running = await booted("#cloud-config\nruncmd: [echo user-data has run >/dev/console]", {
          image,
        });
        await shell(running, "echo late >/etc/late && sync /etc/late");
        const taken = await region.imageOf(running.root);
        expect(await shell(running, "cat /etc/late")).toBe("late");
        await running.powerOff();
        const copy = await server("#cloud-config\n{}", { image: taken });
        expect(await shell(copy, "cat /etc/baked /etc/late")).toBe("bakedlate");
        await copy.powerOff();
      });

      it("saves an image outside of the run, and starts a server from what it has saved", {
        timeout: bootLimitMs * 3,
      }, async () => {
        const saved = join(folder, "saved-image");
        mkdirSync(saved);
        await region.save(image, saved);
        const loaded = await region.load(saved);
        const running = await server("#cloud-config\n{}", { image: loaded });
        expect(await shell(running, "tree --version >/dev/null && cat /etc/baked && rm /etc/baked")).toBe(
          "baked",
        );
        await running.powerOff();
        await region.remove(loaded);
        await region.remove(await region.load(saved));
      });

      it("keeps a server whose image is removed, and a copy in another region", {
        timeout: bootLimitMs * 3,
      }, async () => {
        const other = await engine.openRegion(away, surroundings);
        const copied = await other.copy(image);
        const running = await server("#cloud-config\n{}", { image });
        await region.remove(image);
        await expect(region.rootFrom(image)).rejects.toThrow(/no disk/);
        expect(await shell(running, "tree --version | head -1")).toMatch(/tree/);
        await running.powerOff();

        const body = await other.boot({
          id: instanceId("10.9.1.10"),
          address: "10.9.1.10",
          root: await other.rootFrom(copied),
          volumes: [],
          consoleFile: join(folder, "console-away"),
        });
        expect(await shell(body, "cat /etc/baked")).toBe("baked");
        await body.powerOff();
      });
    });

    it("starts a server again that reboots itself", { timeout: bootLimitMs * 3 }, async () => {
      const one = await booted("#cloud-config\nbootcmd: [echo user-data has run >/dev/console]");
      await shell(one, "touch /run/before /etc/before");
      await one.exec("reboot");
      const boots = () => one.said().split("user-data has run").length - 1;
      await until(() => boots() === 2, bootLimitMs, one.said);
      expect(await shell(one, "[ ! -e /run/before ] && [ -e /etc/before ] && echo rebooted")).toBe(
        "rebooted",
      );
      await one.powerOff();
    });

    it("refuses what is no disk of the kind that is needed", async () => {
      await expect(region.rootFrom("../etc")).rejects.toThrow(/no disk "\.\.\/etc"/);
      await expect(region.volumeFrom(await region.blankVolume(1), 1)).rejects.toThrow(/snapshots/);
    });
  });
}

export interface Server extends Body {
  address: string;
  root: Disk;
  said(): string;
}

async function until(
  reached: () => boolean | Promise<boolean>,
  limitMs: number,
  explain: () => string,
): Promise<void> {
  for (let waited = 0; !(await reached()); waited += 50) {
    if (waited > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${explain()}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** What a server answers to a request for its root. */
async function ask(region: EngineRegion, address: string, port: number): Promise<string> {
  const connection = await region.connect(address, port);
  connection.write("GET / HTTP/1.0\r\n\r\n");
  let answer = "";
  for await (const chunk of connection) answer += chunk;
  return answer;
}
