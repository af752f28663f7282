import { createHash } from "node:crypto";
import { metadataAddress, surroundingPorts } from "./addresses.ts";

/** What a base image is made of. Its digest names it: another recipe is another image. */
export interface BaseRecipe {
  suite: string;
  /** Lines of an apt sources.list. Bodies may fetch packages from these hosts, and from no others. */
  sources: readonly string[];
  packages: readonly string[];
  /** Written last, by path. */
  files: Readonly<Record<string, string>>;
  /** Made by packages, and not for every instance of the image to share. */
  remove: readonly string[];
}

/** Debian 12 with what Debian's own cloud image has, as far as servers notice. */
export const debianBase: BaseRecipe = {
  suite: "bookworm",
  sources: [
    "deb http://deb.debian.org/debian bookworm main",
    "deb http://deb.debian.org/debian bookworm-updates main",
    "deb http://deb.debian.org/debian-security bookworm-security main",
  ],
  packages: [
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "e2fsprogs",
    "iproute2",
    "iputils-ping",
    "less",
    "logrotate",
    "mdadm",
    "netbase",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
    "tzdata",
    "udev",
    "xfsprogs",
  ],
  files: {
    "/etc/apt/apt.conf.d/90rekindle": [
      `Acquire::http::Proxy "http://${metadataAddress}:${surroundingPorts.packages}";`,
      // A mirror that lags behind, or a frozen copy of one, is good enough for a rehearsal.
      'Acquire::Check-Valid-Until "false";',
      'Acquire::Languages "none";',
      "",
    ].join("\n"),
    "/etc/cloud/cloud.cfg.d/90_rekindle.cfg": [
      "# An instance of EC2, whose address the engine has set; software emulation is slow, hence one kind of host key.",
      "datasource_list: [Ec2, None]",
      "datasource: { Ec2: { max_wait: 30, timeout: 5 } }",
      "network: { config: disabled }",
      "ssh_genkeytypes: [ed25519]",
      "resize_rootfs: false",
      "growpart: { mode: 'off' }",
      "locale: C.UTF-8",
      "",
    ].join("\n"),
    "/etc/machine-id": "",
    "/etc/hostname": "localhost\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "/etc/fstab": "",
  },
  remove: ["/etc/ssh/ssh_host_*", "/var/lib/dbus/machine-id", "/var/cache/debconf/*-old", "/var/log/*.log"],
};

/** 64 hex digits. The processor belongs to it: packages are built for one. */
export function recipeDigest(recipe: BaseRecipe, architecture: string): string {
  return createHash("sha256")
    .update(JSON.stringify({ architecture, ...recipe }))
    .digest("hex");
}

export function howMadeOfPackages({ suite }: BaseRecipe, digest: string): string {
  return `building the base image from Debian's packages (${suite}, ${digest.slice(0, 12)}): once, about a minute`;
}

/** The hosts that the recipe's packages come from. */
export function packageHosts({ sources }: Pick<BaseRecipe, "sources">): Set<string> {
  const addresses = sources.flatMap((line) => line.split(" ").filter((word) => /^https?:/.test(word)));
  return new Set(addresses.map((address) => new URL(address).host));
}
