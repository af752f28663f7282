/**
 * Starts a server of role `web` from a golden image that is there, with QEMU and Debian's own kernel, as the engine qemu
 * does, and ends when it is healthy: behind QEMU's own network, with cloud-init's NoCloud, and without Rekindle's router,
 * metadata, release and boot script. Arguments: the image's disk, the folder with its kernel, a folder of its own, and the
 * tar of the role's configuration.
 */
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { bestAccelerator } from "../../sandbox/bodies/qemu/accelerator.ts";
import { processor } from "../../sandbox/bodies/qemu/hardware.ts";

const [disk, base, folder, tar] = process.argv.slice(2) as [string, string, string, string];
const host = "10.0.0.254";
await mkdir(folder, { recursive: true });
const root = join(folder, "root.qcow2");
const made = await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", disk, "-F", "qcow2", root]);
if (!succeeded(made)) throw new Error(made.stderr);

const seed = createServer(async (request, response) => {
  const files: Record<string, string | Buffer> = {
    "/meta-data": "instance-id: by-hand\n",
    "/vendor-data": "",
    "/user-data": `#cloud-config
hostname: web
manage_etc_hosts: localhost
runcmd:
  - [sh, -c, "echo 10.0.0.9 app >>/etc/hosts"]
  - [sh, -c, "curl --silent http://${host}:${port}/role.tar | tar -C / -x"]
  - [systemctl, restart, nginx.service]
`,
    "/role.tar": await readFile(tar),
  };
  response.end(files[request.url ?? ""] ?? "");
}).listen(0, "127.0.0.1");
await new Promise((listening) => seed.once("listening", listening));
const { port } = seed.address() as AddressInfo;
const web = await freePort();
const kernel = { disk: join(base, "disk"), kernel: join(base, "kernel"), initrd: join(base, "initrd") };
const program = "qemu-system-x86_64";
const accelerator = await bestAccelerator(program, kernel);
const child = spawn(
  program,
  [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-m", "768M", "-smp", "1"],
    ...processor({ accelerator }),
    ...["-kernel", kernel.kernel, "-initrd", kernel.initrd],
    "-append",
    `root=/dev/disk/by-id/virtio-root rw console=ttyS0 loglevel=5 net.ifnames=0 ${
      accelerator === "tcg" ? "mitigations=off nokaslr norandmaps audit=0 apparmor=0 " : ""
    }ci.ds=NoCloud ds=nocloud;s=http://${host}:${port}/`,
    ...["-serial", `file:${join(folder, "console")}`],
    ...["-drive", `file=${root},if=none,id=root,cache=unsafe`],
    ...["-device", "virtio-blk-pci,drive=root,serial=root", "-device", "virtio-rng-pci"],
    ...["-netdev", `user,id=net,net=10.0.0.0/24,host=${host},hostfwd=tcp:127.0.0.1:${web}-10.0.0.2:80`],
    ...["-device", "virtio-net-pci,netdev=net,mac=02:00:0a:00:00:02,romfile="],
  ],
  { stdio: ["ignore", "ignore", "inherit"] },
);
const isHealthy = async () =>
  succeeded(await run("curl", ["-sf", "--max-time", "2", `http://127.0.0.1:${web}/healthz`]));
const giveUpAt = systemClock.monotonic() + 600_000;
while (!(await isHealthy())) {
  if (systemClock.monotonic() > giveUpAt)
    throw new Error(
      `the server that was started by hand is not healthy; ${join(folder, "console")} has what it said`,
    );
  await systemClock.sleep(200);
}
child.kill("SIGKILL");
process.exit(0);

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => found(free));
    });
  });
}
