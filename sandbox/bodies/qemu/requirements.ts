import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { absentPrograms, type Lack } from "../lack.ts";
import type { Emulator } from "./hardware.ts";
import { imageWish } from "./named-image.ts";

/** Programs that the engine runs, and Debian's packages that have them. */
const programs = { "qemu-img": "qemu-utils" } as const;

/** What makes a base image of Debian's packages; one that is official takes none of it. */
const programsForPackages = { setpriv: "util-linux", mke2fs: "e2fsprogs", mmdebstrap: "mmdebstrap" } as const;

/** What lets the base image's files belong to others than whoever builds it. */
const programsWithoutRoot = { newuidmap: "uidmap", unshare: "util-linux" } as const;

/** On Linux where Debian's package puts it; on macOS it is a part of Homebrew's QEMU, which finds it by its name. */
const armFirmware =
  process.platform === "darwin" ? "edk2-aarch64-code.fd" : "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd";

/** QEMU for the processors that the engine knows, by Node's name for them. */
export const emulators: Partial<Record<NodeJS.Architecture, Emulator & { package: string }>> = {
  x64: { program: "qemu-system-x86_64", package: "qemu-system-x86", board: "pc", console: "ttyS0" },
  arm64: {
    program: "qemu-system-aarch64",
    package: "qemu-system-arm",
    board: "virt",
    console: "ttyAMA0",
    firmware: armFirmware,
  },
};

/** For the root disks and volumes of one environment, twice. */
const neededGiB = 6;

/** What keeps the engine `qemu` from running on this computer, with its disks in that folder; nothing when it can. */
export async function missingForQemu(folder: string): Promise<Lack[]> {
  const { platform, arch } = process;
  const emulator = emulators[arch];
  if (platform !== "linux" && platform !== "darwin")
    return [{ reason: `it needs Linux or macOS, and this is ${platform}` }];
  if (emulator === undefined)
    return [
      {
        reason: `it knows processors of the kinds ${Object.keys(emulators).join(", ")}, and this is ${arch}`,
      },
    ];
  const wish = imageWish(process.env);
  if (wish.kind === "fault") return [{ reason: wish.reason }];
  if (wish.kind === "none" && platform === "darwin")
    return [
      {
        reason:
          "Debian's packages make no base image on macOS; name an official cloud image of Debian 12 by REKINDLE_BASE_IMAGE, with REKINDLE_BASE_SHA256 or REKINDLE_BASE_SHA512",
      },
    ];
  const forPackages = {
    ...programsForPackages,
    ...(process.getuid?.() === 0 ? {} : programsWithoutRoot),
  };
  const absent = await absentPrograms({
    [emulator.program]: emulator.package,
    ...programs,
    ...(wish.kind === "none" ? forPackages : {}),
  });
  const missing: Lack[] =
    platform === "darwin" ? absent.map(({ reason }) => ({ reason: `${reason}; brew install qemu` })) : absent;
  if (emulator.firmware?.startsWith("/") && !existsSync(emulator.firmware))
    missing.push({ reason: `${emulator.firmware} is not there`, package: "qemu-efi-aarch64" });
  const { bavail, bsize } = await statfs(folder);
  const freeGiB = (bavail * bsize) / 1024 ** 3;
  if (freeGiB < neededGiB)
    missing.push({
      reason: `${folder} has ${freeGiB.toFixed(1)} GiB free, and disks take up to ${neededGiB}; make room there`,
    });
  return missing;
}
