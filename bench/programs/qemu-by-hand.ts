/**
 * Starts a server of role `web` from a golden image that is there, with QEMU and Debian's own kernel, as the engine qemu
 * does, and ends when it is healthy: behind QEMU's own network, with the same metadata service, and without Rekindle's
 * router, release and boot script. Arguments: the image's disk, the folder with its kernel, a folder of its own, and the
 * tar of the role's configuration.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { bestAccelerator } from "../../sandbox/bodies/qemu/accelerator.ts";
import { processor } from "../../sandbox/bodies/qemu/hardware.ts";
import { emulators } from "../../sandbox/bodies/qemu/requirements.ts";
import { metadataOfOneServer } from "../../sandbox/stage/metadata.ts";

const [disk, base, folder, tar] = process.argv.slice(2) as [string, string, string, string];
const address = "169.254.0.2";
const host = "169.254.0.1";
await mkdir(folder, { recursive: true });
const root = join(folder, "root.qcow2");
const made = await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", disk, "-F", "qcow2", root]);
if (!succeeded(made)) throw new Error(made.stderr);

const bundle = createServer(async (_, response) => response.end(await readFile(tar)));
const userData = async () => `#cloud-config
hostname: web
manage_etc_hosts: localhost
runcmd:
  - [sh, -c, "echo 169.254.0.9 app >>/etc/hosts"]
  - [sh, -c, "curl --silent http://${host}:${await portOf(bundle)}/ | tar -C / -x"]
  - [systemctl, restart, nginx.service]
`;
const described = {
  ...{ id: "i-0123456789abcdef0", address, region: "eu-west-1", account: "123456789012" },
  ...{ instanceType: "t3.small", profile: "by-hand", userData: Buffer.from(await userData()) },
};
const service = metadataOfOneServer(() => described, systemClock);
const metadata = createServer((request, response) => void service.answer(address, request, response));
const web = await freePort();
const kernel = {
  kind: "kernel" as const,
  ...{ disk: join(base, "disk"), kernel: join(base, "kernel"), initrd: join(base, "initrd") },
};
const hardware = "ec201234-5678-9abc-def0-000000000000";
const emulator = emulators[process.arch]!;
const accelerator = await bestAccelerator(emulator, kernel);
const child = spawn(
  emulator.program,
  [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-m", "768M", "-smp", "1"],
    ...processor({ emulator, accelerator }),
    ...["-smbios", "type=0,vendor=Amazon EC2,version=1.0"],
    ...["-smbios", `type=1,manufacturer=Amazon EC2,product=qemu,uuid=${hardware},serial=${hardware}`],
    ...["-smbios", "type=3,manufacturer=Amazon EC2,asset=Amazon EC2"],
    ...["-kernel", kernel.kernel, "-initrd", kernel.initrd],
    "-append",
    `root=/dev/disk/by-id/virtio-root rw console=ttyS0 loglevel=5 net.ifnames=0 ${
      accelerator === "tcg" ? "mitigations=off nokaslr norandmaps audit=0 apparmor=0" : ""
    }`,
    ...["-serial", `file:${join(folder, "console")}`],
    ...["-drive", `file=${root},if=none,id=root,cache=unsafe`],
    ...["-device", "virtio-blk-pci,drive=root,serial=root", "-device", "virtio-rng-pci"],
    "-netdev",
    [
      ...["user", "id=net", "net=169.254.0.0/16", `host=${host}`, "dhcpstart=169.254.0.15"],
      `hostfwd=tcp:127.0.0.1:${web}-${address}:80`,
      `guestfwd=tcp:169.254.169.254:80-cmd:nc 127.0.0.1 ${await portOf(metadata)}`,
    ].join(","),
    ...["-device", "virtio-net-pci,netdev=net,mac=02:00:a9:fe:00:02,romfile="],
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

async function portOf(server: Server): Promise<number> {
  if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server);
  server.close();
  return port;
}
