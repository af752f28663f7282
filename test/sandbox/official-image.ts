import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { debianBase } from "../../sandbox/bodies/base-recipe.ts";

/** As in Debian's own `genericcloud`, as far as a boot, a network and cloud-init go; and none of Rekindle's files. */
const packages = [
  ...["linux-image-cloud-amd64", "initramfs-tools", "systemd-sysv", "systemd-resolved", "dbus", "udev"],
  ...["cloud-init", "cloud-guest-utils", "fdisk", "netplan.io", "isc-dhcp-client", "iproute2", "sudo"],
  ...["ca-certificates", "openssh-server", "e2fsprogs", "grub-pc-bin", "grub2-common"],
];

const sources = `Types: deb
URIs: https://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
`;

const menu = `linux /vmlinuz root=LABEL=root ro console=tty0 console=ttyS0,115200
initrd /initrd.img
boot
`;

const sector = 512;
/** The root partition's first sector, as every tool has it; what is before it is for the boot loader. */
const rootStart = 2048;
const rootBytes = 1500 * 1024 ** 2;

/** Makes a stand-in for an official cloud image, with a boot loader of its own: takes root and Debian's packages. */
export async function makeOfficialImage(folder: string): Promise<string> {
  const tar = join(folder, "official.tar");
  const tree = join(folder, "official");
  writeFileSync(join(folder, "debian.sources"), sources);
  writeFileSync(join(folder, "grub.cfg"), menu);
  const core =
    "grub-mkimage -O i386-pc -o /boot/core.img -p (hd0,msdos1)/boot/grub biosdisk part_msdos ext2 normal linux configfile boot";
  await must("mmdebstrap", [
    ...["--variant=minbase", "--format=tar", `--include=${packages.join(",")}`],
    ...[
      '--aptopt=Acquire::Check-Valid-Until "false"',
      `--customize-hook=chroot "$1" ${core.replaceAll(/[()]/g, "\\$&")}`,
    ],
    `--customize-hook=mkdir -p "$1/boot/grub" && cp ${join(folder, "grub.cfg")} "$1/boot/grub/grub.cfg"`,
    '--customize-hook=cd "$1" && ln -sf boot/vmlinuz-* vmlinuz && ln -sf boot/initrd.img-* initrd.img',
    ...["bookworm", tar, ...debianBase.sources],
  ]);
  await must("mkdir", [tree]);
  await must("tar", ["-C", tree, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xf", tar]);
  rmSync(tar);
  rmSync(join(tree, "etc/apt/sources.list"), { force: true });
  cpSync(join(folder, "debian.sources"), join(tree, "etc/apt/sources.list.d/debian.sources"));
  rmSync(join(tree, "etc/resolv.conf"), { force: true });
  writeFileSync(join(tree, "etc/machine-id"), "");
  writeFileSync(join(tree, "etc/fstab"), "LABEL=root / ext4 rw 0 1\n");

  const disk = join(folder, "official.raw");
  writeFileSync(disk, "");
  truncateSync(disk, rootStart * sector + rootBytes);
  const offset = `offset=${rootStart * sector}`;
  await must("mke2fs", [
    "-q",
    "-t",
    "ext4",
    "-L",
    "root",
    "-E",
    offset,
    "-d",
    tree,
    disk,
    `${rootBytes / 1024}k`,
  ]);
  installBootLoader(disk, join(tree, "usr/lib/grub/i386-pc/boot.img"), join(tree, "boot/core.img"));
  rmSync(tree, { recursive: true });
  const image = join(folder, "official.qcow2");
  await must("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", disk, image]);
  rmSync(disk);
  return image;
}

/** GRUB between the partition table and the first partition, as `grub-install` puts it there. */
function installBootLoader(disk: string, bootFile: string, coreFile: string): void {
  const first = Buffer.alloc(sector);
  readFileSync(bootFile).copy(first, 0, 0, 440);
  const entry = first.subarray(446);
  entry.writeUInt8(0x80, 0);
  entry.writeUInt8(0x83, 4);
  entry.writeUInt32LE(rootStart, 8);
  entry.writeUInt32LE(rootBytes / sector, 12);
  first.writeUInt16BE(0x55aa, 510);
  const core = Buffer.alloc(Math.ceil(statSync(coreFile).size / sector) * sector);
  readFileSync(coreFile).copy(core);
  // Its first sector has a list of where the rest is: from which sector, and how many.
  core.writeBigUInt64LE(2n, 500);
  core.writeUInt16LE(core.length / sector - 1, 508);
  const opened = openSync(disk, "r+");
  writeSync(opened, first, 0, sector, 0);
  writeSync(opened, core, 0, core.length, sector);
  closeSync(opened);
}

async function must(command: string, args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished)) throw new Error(`${command}: ${finished.stderr.slice(-2000)}`);
}
