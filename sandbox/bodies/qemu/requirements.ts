import { absentPrograms, type Lack } from "../lack.ts";

/** Programs that the engine runs, and Debian's packages that have them. */
const programs = {
  "qemu-img": "qemu-utils",
  setpriv: "util-linux",
  mke2fs: "e2fsprogs",
  mmdebstrap: "mmdebstrap",
} as const;

/** QEMU for the processors that the engine knows, by Node's name for them. */
export const emulators: Partial<Record<NodeJS.Architecture, { program: string; package: string }>> = {
  x64: { program: "qemu-system-x86_64", package: "qemu-system-x86" },
};

/** What keeps the engine `qemu` from running on this computer; nothing when it can. */
export async function missingForQemu(_folder: string): Promise<Lack[]> {
  const emulator = emulators[process.arch];
  if (process.platform !== "linux") return [{ reason: `it needs Linux, and this is ${process.platform}` }];
  if (emulator === undefined)
    return [
      {
        reason: `it knows processors of the kinds ${Object.keys(emulators).join(", ")}, and this is ${process.arch}`,
      },
    ];
  return await absentPrograms({ [emulator.program]: emulator.package, ...programs });
}
