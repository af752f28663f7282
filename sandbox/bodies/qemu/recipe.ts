import { bodyEnvironment, metadataAddress, resolverAddress } from "../addresses.ts";
import { type BaseRecipe, debianBase } from "../base-recipe.ts";

/** Letters of the names that EC2 gives data volumes: /dev/sdb and /dev/xvdb to /dev/sdz and /dev/xvdz. */
const letters = "bcdefghijklmnopqrstuvwxyz".split("");

/** What EC2's own images do for Xen's and Nitro's disks: a disk's serial number begins with the name it is attached as. */
const namesOfVolumes = letters
  .flatMap((letter) => [`sd${letter}`, `xvd${letter}`])
  .map((name) => `SUBSYSTEM=="block", KERNEL=="vd*[!0-9]", ATTR{serial}=="${name}-*", SYMLINK+="${name}"\n`)
  .join("");

const lines = (...all: string[]) => `${all.join("\n")}\n`;

/** Units that no server here needs and every boot would wait for; an empty file hides one. */
const hiddenUnits = [
  "e2scrub_reap.service",
  "e2scrub_all.timer",
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "logrotate.timer",
  "fstrim.timer",
  "lvm2-monitor.service",
  "lvm2-lvmpolld.socket",
  "mdmonitor.service",
  "cloud-init-hotplugd.socket",
  "systemd-binfmt.service",
  "proc-sys-fs-binfmt_misc.automount",
  "systemd-pstore.service",
  "systemd-random-seed.service",
  "systemd-hwdb-update.service",
  "dev-hugepages.mount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "sys-kernel-config.mount",
  "sys-fs-fuse-connections.mount",
  "modprobe@drm.service",
  "modprobe@fuse.service",
  "modprobe@configfs.service",
  "modprobe@efi_pstore.service",
  "modprobe@dm_mod.service",
  "getty@tty1.service",
  "serial-getty@ttyS0.service",
];

/** As in a VPC, an address is for one machine; it is in the address of its network card, so that nobody has to be asked. */
const setAddress = lines(
  "set -eu",
  "IFS=: read -r _ _ a b c d </sys/class/net/eth0/address",
  "ip -batch - <<END",
  "link set lo up",
  "address add $((0x$a)).$((0x$b)).$((0x$c)).$((0x$d))/32 dev eth0",
  "link set eth0 up",
  "route add default dev eth0",
  "END",
);

/**
 * The base of `box` with a kernel, and with what must be there when the kernel, systemd and networks are real. What every
 * boot would pay for in software emulation, and no server here can use, is left out.
 */
export const qemuBase: BaseRecipe = {
  ...debianBase,
  packages: [
    ...debianBase.packages,
    `linux-image-cloud-${process.arch === "arm64" ? "arm64" : "amd64"}`,
    "initramfs-tools",
    "lvm2",
    "lz4",
    "qemu-guest-agent",
  ],
  files: {
    ...debianBase.files,
    "/etc/initramfs-tools/conf.d/rekindle": lines("MODULES=list", "COMPRESS=lz4", "RESUME=none"),
    "/etc/initramfs-tools/modules": lines(
      "virtio_pci",
      "virtio_blk",
      "virtio_net",
      "virtio_console",
      "ext4",
      "crc32c",
    ),
    "/etc/modules-load.d/rekindle.conf": lines("button"),
    "/etc/udev/rules.d/70-rekindle-volumes.rules": namesOfVolumes,
    "/usr/lib/rekindle/network": setAddress,
    "/etc/systemd/system/rekindle-network.service": lines(
      "[Unit]",
      "Description=The private address",
      "DefaultDependencies=no",
      "Before=network-pre.target cloud-init-local.service",
      "[Service]",
      "Type=oneshot",
      "RemainAfterExit=yes",
      "ExecStart=/bin/sh /usr/lib/rekindle/network",
    ),
    ...Object.fromEntries(hiddenUnits.map((unit) => [`/etc/systemd/system/${unit}`, ""])),
    // A tree that is made aside has no systemctl to enable units with.
    "/etc/systemd/system/sysinit.target.d/10-rekindle.conf": lines(
      "[Unit]",
      "Wants=rekindle-network.service",
    ),
    "/etc/systemd/system.conf.d/10-rekindle.conf": lines(
      "[Manager]",
      `DefaultEnvironment=${Object.entries(bodyEnvironment)
        .map(([name, value]) => `"${name}=${value}"`)
        .join(" ")}`,
    ),
    // What is installed when the computer itself goes down is gone with the sandbox anyway.
    "/etc/dpkg/dpkg.cfg.d/90rekindle": lines("force-unsafe-io"),
    "/etc/apt/apt.conf.d/91rekindle": lines('Acquire::PDiffs "false";'),
    "/etc/environment": lines(`AWS_ENDPOINT_URL=${bodyEnvironment.AWS_ENDPOINT_URL}`),
    "/etc/resolv.conf": lines(`nameserver ${resolverAddress}`, "options timeout:2 attempts:2"),
    "/etc/cloud/cloud.cfg.d/91_rekindle.cfg": lines(
      `datasource: { Ec2: { max_wait: 30, timeout: 5, metadata_urls: ["http://${metadataAddress}:80"] } }`,
      "# Each module takes a part of a second to load in software emulation.",
      "cloud_init_modules: [seed_random, bootcmd, write-files, disk_setup, mounts, set_hostname, update_hostname, update_etc_hosts, ca-certs, users-groups, ssh]",
      "cloud_config_modules: [locale, set-passwords, apt-configure, timezone, runcmd]",
      "cloud_final_modules: [package-update-upgrade-install, write-files-deferred, scripts-vendor, scripts-per-once, scripts-per-boot, scripts-per-instance, scripts-user, final-message, power-state-change]",
    ),
  },
  // With a DHCP client cloud-init would ask for an address that is there already, and nobody would answer.
  remove: [...debianBase.remove, "/usr/sbin/dhclient", "/etc/motd"],
};
