import { statfs } from "node:fs/promises";
import { absentPrograms, type Lack } from "../lack.ts";

/** Programs that the engine runs, and Debian's packages that have them. */
const programs = {
  "qemu-img": "qemu-utils",
  setpriv: "util-linux",
  mke2fs: "e2fsprogs",
  mmdebstrap: "mmdebstrap",
} as const;

/** What lets the base image's files belong to others than whoever builds it. */
const programsWithoutRoot = { newuidmap: "uidmap", unshare: "util-linux" } as const;

/** QEMU for the processors that the engine knows, by Node's name for them. */
export const emulators: Partial<Record<NodeJS.Architecture, { program: string; package: string }>> = {
  x64: { program: "qemu-system-x86_64", package: "qemu-system-x86" },
};

/** For the root disks and volumes of one environment, twice. */
const neededGiB = 6;

/** What keeps the engine `qemu` from running on this computer, with its disks in that folder; nothing when it can. */
export async function missingForQemu(folder: string): Promise<Lack[]> {
  const emulator = emulators[process.arch];
  if (process.platform !== "linux") return [{ reason: `it needs Linux, and this is ${process.platform}` }];
  if (emulator === undefined)
    return [
      {
        reason: `it knows processors of the kinds ${Object.keys(emulators).join(", ")}, and this is ${process.arch}`,
      },
    ];
  const missing = await absentPrograms({
    [emulator.program]: emulator.package,
    ...programs,
    ...(process.getuid?.() === 0 ? {} : programsWithoutRoot),
  });
  const { bavail, bsize } = await statfs(folder);
  const freeGiB = (bavail * bsize) / 1024 ** 3;
  if (freeGiB < neededGiB)
    missing.push({
      reason: `${folder} has ${freeGiB.toFixed(1)} GiB free, and disks take up to ${neededGiB}; make room there`,
    });
  return missing;
}
