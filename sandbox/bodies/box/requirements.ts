import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { run, succeeded } from "../../../bootstrap/edges/process.ts";
import { absentPrograms, type Lack } from "../lack.ts";

/** Programs that the engine runs, and Debian's packages that have them. */
const programs = {
  setpriv: "util-linux",
  unshare: "util-linux",
  nsenter: "util-linux",
  ip: "iproute2",
  python3: "python3",
  mmdebstrap: "mmdebstrap",
} as const;

/** What keeps the engine `box` from running on this computer, with its disks in that folder; nothing when it can. */
export async function missingForBox(folder: string): Promise<Lack[]> {
  if (process.platform !== "linux") return [{ reason: `it needs Linux, and this is ${process.platform}` }];
  if (process.getuid?.() !== 0)
    return [{ reason: `it needs root, and this is user ${process.getuid?.()}; run it with sudo` }];
  const absent = await absentPrograms(programs);
  return absent.length > 0 ? absent : await refusedByKernel(folder);
}

/** Does once, in namespaces that are gone at once, what every machine needs: many containers allow only some of it. */
const trial = `
set -eu
cd "$1"
mkdir lower upper work root
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off,index=off,xino=off root ||
  { echo "overlayfs can not write in $2 (a container's own file system, or one without extended attributes)"; exit 1; }
mount -t proc proc root
ip link add probe type veth peer name other || { echo 'the kernel makes no virtual network devices (veth)'; exit 1; }
ip link add bridge type bridge || { echo 'the kernel makes no network bridge'; exit 1; }
[ -c /dev/loop-control ] || { echo 'there are no loop devices (/dev/loop-control)'; exit 1; }
`;

async function refusedByKernel(folder: string): Promise<Lack[]> {
  const place = await mkdtemp(join(folder, "probe-"));
  try {
    const namespaces = [
      "--mount",
      "--propagation=private",
      "--net",
      "--pid",
      "--fork",
      "--kill-child",
      "--uts",
      "--ipc",
    ];
    const tried = await run("unshare", [...namespaces, "sh", "-c", trial, "probe", place, folder], {
      timeoutMs: 20_000,
    });
    if (succeeded(tried)) return [];
    const [reason] = tried.stdout.trim().split("\n");
    const refused = `namespaces are refused here (${tried.stderr.trim().split("\n").at(-1)}); in a container, it has to be privileged`;
    return [{ reason: reason || refused }];
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
