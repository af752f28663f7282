import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, describe, expect, it, vi } from "vitest";
import { ownScript } from "../../bootstrap/edges/hosts/own-script.ts";
import { layoutScript, quiesceScript } from "../../bootstrap/edges/hosts/quiescer.ts";
import { readLayout } from "../../bootstrap/recovery/layout.ts";
import { observeHold } from "../../bootstrap/recovery/observe.ts";
import { readTold } from "../../bootstrap/recovery/told.ts";
import type { Disk } from "../../sandbox/bodies/engine.ts";
import { inWords } from "../../sandbox/bodies/lack.ts";
import { openQemu } from "../../sandbox/bodies/qemu/engine.ts";
import { missingForQemu } from "../../sandbox/bodies/qemu/requirements.ts";
import { engineContract } from "../contracts/engine.ts";
import { instanceId, toySurroundings } from "../contracts/toy-surroundings.ts";
import { descendants, isAlive } from "./descendants.ts";
import { makeOfficialImage } from "./official-image.ts";

const folder = mkdtempSync(join(tmpdir(), "rekindle-qemu-"));
const lacking = inWords(await missingForQemu(folder));
const cache = resolve(".rekindle");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

if (lacking) describe("the engine qemu", () => it.skip(`is not tested here: ${lacking}`, () => undefined));
else {
  // Without KVM a machine takes about a minute to boot, and several when others work beside it.
  engineContract("qemu", {
    bootLimitMs: 400_000,
    open: (disks) => openQemu({ folder: disks, cache }),
  });

  it("stripes volumes for real, and finds the array on copies of them", { timeout: 900_000 }, async () => {
    const engine = await openQemu({ folder: join(folder, "striped"), cache });
    try {
      const region = await engine.openRegion("eu-west-1", toySurroundings());
      const boot = async (address: string, disks: Disk[]) =>
        await region.boot({
          id: instanceId(address),
          address,
          root: await region.rootFrom(await engine.base("eu-west-1")),
          volumes: disks.map((disk, index) => ({ device: `/dev/sd${"fg"[index]}`, disk })),
          consoleFile: join(folder, `console-${address}`),
        });
      const volumes = [await region.blankVolume(1), await region.blankVolume(1)];
      const writer = await boot("10.0.1.10", volumes);
      const written = await writer.exec(
        [
          "set -e",
          "mdadm --create /dev/md/data --run --homehost=any --level=0 --raid-devices=2 /dev/sdf /dev/sdg",
          "mkfs.xfs -q /dev/md/data && mkdir /data && mount /dev/md/data /data",
          "seq 100000 >/data/rows && sync /data/rows",
        ].join("\n"),
      );
      expect(written.ending).toEqual({ kind: "exited", code: 0 });
      const copies = [];
      for (const snapshot of await region.snapshot(volumes))
        copies.push(await region.volumeFrom(snapshot, 1));
      await region.kill();

      const reader = await boot("10.0.1.11", copies);
      const found = await reader.exec(
        "array=$(lsblk -nrpo NAME,TYPE /dev/sdf | awk '/raid0/ { print $1 }') && mkdir /data && mount $array /data && wc -l </data/rows",
      );
      expect(found.stdout).toBe("100000\n");
      await expect(reader.detach("/dev/sdg")).rejects.toThrow(/mounted on \/data/);
    } finally {
      await engine.close();
    }
  });

  it("makes a base of an official image that boots by itself, and servers of it", {
    timeout: 3_600_000,
    skip: process.getuid?.() !== 0,
  }, async () => {
    const image = await makeOfficialImage(folder);
    vi.stubEnv("REKINDLE_BASE_IMAGE", image);
    vi.stubEnv("REKINDLE_BASE_SHA256", createHash("sha256").update(readFileSync(image)).digest("hex"));
    const own = join(folder, "cache");
    mkdirSync(own);
    symlinkSync(join(cache, "packages"), join(own, "packages"));
    const engine = await openQemu({ folder: join(folder, "official-disks"), cache: own });
    try {
      await engine.prepareBase((line) => console.log(line));
      const surroundings = toySurroundings();
      surroundings.names.set("db.internal", "10.0.1.200");
      surroundings.userData.set(
        "10.0.1.10",
        '#cloud-config\nruncmd: [curl -sS -d "from the body" "$AWS_ENDPOINT_URL/a/call"]\n',
      );
      const region = await engine.openRegion("eu-west-1", surroundings);
      const server = await region.boot({
        id: instanceId("10.0.1.10"),
        address: "10.0.1.10",
        root: await region.rootFrom(await engine.base("eu-west-1")),
        volumes: [{ device: "/dev/sdf", disk: await region.blankVolume(1) }],
        consoleFile: join(folder, "official-console"),
      });
      const shell = async (script: string) => (await server.exec(script)).stdout.trim();
      expect(await shell("cloud-init status --wait >/dev/null; cloud-init query v1.cloud_name")).toBe("aws");
      expect(surroundings.asked).toEqual(["POST /a/call from the body"]);
      expect(await shell("ip -4 -o address show scope global | tr -s ' ' | cut -d' ' -f4")).toBe(
        "10.0.1.10/24",
      );
      expect(await shell("getent ahostsv4 db.internal | head -1 | cut -d' ' -f1")).toBe("10.0.1.200");
      expect(await shell("blockdev --getsize64 /dev/sdf")).toBe(String(1024 ** 3));
      expect(Number(await shell("df --output=size -BG / | tail -1 | tr -dc 0-9"))).toBeGreaterThan(6);
      expect(await shell("cat /proc/cmdline")).toMatch(/BOOT_IMAGE=/);
      await server.powerOff();
    } finally {
      vi.unstubAllEnvs();
      await engine.close();
    }
  });

  it("freezes a striped file system, tells its layout, and mounts its copy beside it", {
    timeout: 1_500_000,
  }, async () => {
    const engine = await openQemu({ folder: join(folder, "quiesced"), cache });
    try {
      const region = await engine.openRegion("eu-west-1", toySurroundings());
      const volumes = [await region.blankVolume(1), await region.blankVolume(1)];
      const server = await region.boot({
        id: instanceId("10.0.2.10"),
        address: "10.0.2.10",
        root: await region.rootFrom(await engine.base("eu-west-1")),
        volumes: volumes.map((disk, index) => ({ device: `/dev/sd${"fg"[index]}`, disk })),
        consoleFile: join(folder, "console-quiesced"),
      });
      const must = async (script: string) => {
        const { ending, stdout, stderr } = await server.exec(script);
        expect([ending, stderr]).toEqual([{ kind: "exited", code: 0 }, expect.anything()]);
        return stdout;
      };
      await must(
        [
          "set -e",
          "mdadm --create /dev/md/rekindle --run --homehost=any --level=0 --raid-devices=2 /dev/sdf /dev/sdg",
          "mkfs.xfs -q /dev/md/rekindle && mkdir /data && mount /dev/md/rekindle /data",
          "seq 100000 >/data/rows",
        ].join("\n"),
      );
      const named = ["sdf", "sdg"].map((name, index) => ({
        name: `data-${index}`,
        device: `/dev/${name}`,
        volumeId: "none",
      }));
      const quiesce = { kind: "filesystem", limit: "4m", via: "ssm" } as const;
      const hold = { id: "hold", quiesce, mount: "/data", volumes: named };
      expect(readLayout(await must(layoutScript(hold)))).toMatchObject({
        kind: "md",
        uuid: expect.stringMatching(/^[0-9a-f]{8}(:[0-9a-f]{8}){3}$/),
        name: expect.stringContaining("rekindle"),
        level: "raid0",
        stripeKiB: 512,
        members: ["data-0", "data-1"],
        filesystem: { type: "xfs", mount: "/data" },
      });
      const frozen = readTold(await must(quiesceScript("freeze", hold)));
      expect(frozen).toMatchObject({ held: expect.anything(), ran: [{ exitCode: 0 }, { exitCode: 0 }] });
      const copies = [];
      for (const snapshot of await region.snapshot(volumes))
        copies.push(await region.volumeFrom(snapshot, 1));
      const told = readTold(await must(quiesceScript("thaw", hold)));
      expect(observeHold(quiesce, frozen, { kind: "told", told })).toMatchObject({ label: "filesystem" });

      await must("seq 5 >/data/rows && sync /data/rows");
      await server.attach("/dev/sdh", copies[0]!);
      await server.attach("/dev/sdi", copies[1]!);
      const beside = (words: string) => must(`${ownScript("beside.sh")}${words}\n`);
      await must(
        "for i in $(seq 100); do [ -b /dev/sdh ] && [ -b /dev/sdi ] && exit; sleep 0.2; done; exit 1",
      );
      expect(await beside("beside md /old ro /dev/sdh /dev/sdi")).toBe("/dev/md/beside1\n");
      expect(await must("wc -l </old/rows; wc -l </data/rows")).toBe("100000\n5\n");
      await beside("away /old");
      expect(await must("lsblk -nro TYPE /dev/sdh /dev/sdi | sort -u; wc -l </data/rows")).toBe("disk\n5\n");
    } finally {
      await engine.close();
    }
  });

  describe("the engine qemu, killed with a machine that boots", () => {
    it.each(["SIGKILL", "SIGTERM"] as const)("leaves nothing after %s", {
      timeout: 120_000,
    }, async (signal) => {
      // Below the program's own folder, where it finds the rest of itself.
      const gatewayScript = join(cache, `qemu-gateway-${process.pid}.mjs`);
      const bundled = { bundle: true, format: "esm", platform: "node", target: "node20" } as const;
      await build({ ...bundled, entryPoints: ["test/sandbox/qemu-gateway.ts"], outfile: gatewayScript });
      const disks = join(folder, signal);
      const gateway = spawn(process.execPath, [gatewayScript, disks, cache, join(folder, "console")], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const said = once(gateway.stdout.setEncoding("utf8"), "data") as Promise<[string]>;
        const ended = once(gateway, "exit").then(() => ["it ended"]);
        expect(await Promise.race([said, ended])).toEqual(["ready\n"]);
        const processes = descendants(gateway.pid!);
        expect(processes.length).toBeGreaterThan(0);

        gateway.kill(signal);
        for (let waited = 0; processes.some(isAlive) && waited < 15_000; waited += 100)
          await new Promise((wake) => setTimeout(wake, 100));
        expect(processes.filter(isAlive)).toEqual([]);
        rmSync(disks, { recursive: true });
      } finally {
        gateway.kill("SIGKILL");
        rmSync(gatewayScript, { force: true });
      }
    });
  });
}
