import type { BaseRecipe } from "../base-recipe.ts";

/** What a base that is made of packages has of its own to boot and to have an address; an official image has that. */
const ownBoot = {
  packages: /^(linux-image-.*|initramfs-tools|lz4|systemd-sysv)$/,
  files:
    /^\/etc\/(initramfs-tools\/|machine-id|hostname|hosts|fstab|systemd\/system\/(sysinit\.target\.d|rekindle-network))|^\/usr\/lib\/rekindle\/network$/,
} as const;

const lines = (...all: string[]) => `${all.join("\n")}\n`;

/** What of a recipe an official image of the same Debian lacks. Its address comes by DHCP, as in EC2. */
export function adoptedRecipe(recipe: BaseRecipe): BaseRecipe {
  const files = Object.entries(recipe.files).filter(([path]) => !ownBoot.files.test(path));
  return {
    ...recipe,
    packages: recipe.packages.filter((name) => !ownBoot.packages.test(name)),
    files: {
      ...Object.fromEntries(files),
      "/etc/apt/sources.list": lines(...recipe.sources),
      "/etc/cloud/cloud.cfg.d/92_rekindle.cfg": lines(
        "apt: { preserve_sources_list: true, generate_mirrorlists: false }",
      ),
      "/etc/systemd/network/05-rekindle.network": lines(
        "[Match]",
        "Type=ether",
        "[Network]",
        "DHCP=ipv4",
        "LinkLocalAddressing=no",
        "IPv6AcceptRA=no",
      ),
    },
    remove: [
      ...recipe.remove,
      // What cloud-init wrote for the network card of the machine that made this.
      "/etc/netplan/50-cloud-init.yaml",
      "/etc/network/interfaces.d/50-cloud-init",
    ],
  };
}

/** What the machine says on its console when it has all of the recipe. */
export const adoptedMark = "rekindle-adopted";

/** The user-data of the machine that adds a recipe to an official image: it installs, cleans itself and powers off. */
export function adoptionUserData(recipe: BaseRecipe): string {
  const script = Buffer.from(adoptionScript(recipe)).toString("base64");
  return `#cloud-config\n${JSON.stringify({
    apt: { preserve_sources_list: true },
    write_files: [{ path: "/run/rekindle-adopt", encoding: "b64", content: script }],
    runcmd: [["sh", "/run/rekindle-adopt", "install"]],
    // cloud-init asks for the condition when it has ended itself, so that it writes nothing into what is cleaned.
    power_state: {
      mode: "poweroff",
      delay: "now",
      timeout: 60,
      condition: ["sh", "-c", "sh /run/rekindle-adopt finish; true"],
    },
  })}\n`;
}

function adoptionScript({ files, packages, remove }: BaseRecipe): string {
  const puts = Object.entries(files).map(
    ([path, content]) => `put '${path}' <<'END'\n${Buffer.from(content).toString("base64")}\nEND`,
  );
  return `set -eu

# A link such as that of /etc/resolv.conf gives way to the file.
put() {
  mkdir -p "$(dirname "$1")"
  rm -f "$1"
  base64 -d >"$1"
}

# What comes is not needed to mount the root file system, and making an initial RAM disk takes minutes in emulation.
remake_initramfs() {
  conf=/etc/initramfs-tools/update-initramfs.conf
  [ ! -e $conf ] || sed -i "s/^update_initramfs=.*/update_initramfs=$1/" $conf
}

install() {
  rm -rf /etc/apt/sources.list.d
${puts.join("\n")}
  export DEBIAN_FRONTEND=noninteractive
  remake_initramfs no
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends -o Dpkg::Options::=--force-confold ${packages.join(" ")}
  remake_initramfs yes
  systemctl enable systemd-networkd.service
  touch /run/rekindle-installed
}

finish() {
  [ -e /run/rekindle-installed ]
  cloud-init clean --logs
  apt-get clean
  : >/etc/machine-id
  rm -rf ${remove.join(" ")}
  sync
  echo ${adoptedMark} >/dev/console
}

"$1"
`;
}
