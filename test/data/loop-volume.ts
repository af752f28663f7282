import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What this machine lacks for real file systems on loop devices; nothing when it has all. */
export function lackingForLoops(...programs: string[]): string | undefined {
  if (process.getuid?.() !== 0) return "only root may mount file systems";
  if (!existsSync("/dev/loop-control")) return "there are no loop devices";
  const missing = ["losetup", "fsfreeze", "mkfs.xfs", "mkfs.ext4", "flock", ...programs].filter(
    (one) => spawnSync("sh", ["-c", `command -v ${one}`]).status !== 0,
  );
  return missing.length === 0 ? undefined : `there is no ${missing.join(", ")}`;
}

/** A volume of a server, as far as its file system goes: a file behind a loop device, which is mounted. */
export interface LoopVolume {
  image: string;
  device: string;
  mount: string;
  remove(): void;
}

const mebibytes = 320;

export async function aLoopVolume(
  folder: string,
  name: string,
  filesystem: "xfs" | "ext4",
): Promise<LoopVolume> {
  const image = join(folder, `${name}.img`);
  const mount = join(folder, name);
  await mkdir(mount, { recursive: true });
  sh(`truncate -s ${mebibytes}M ${image}`);
  const device = sh(`losetup --find --show ${image}`).trim();
  sh(`mkfs.${filesystem} -q ${device} && mount ${device} ${mount}`);
  return {
    image,
    device,
    mount,
    remove: () => void sh(`fsfreeze -u ${mount} 2>/dev/null; umount -l ${mount}; losetup -d ${device}; true`),
  };
}

/** Mounts a copy of a volume's image beside it. */
export async function mountCopy(image: string, mount: string, options: string): Promise<LoopVolume> {
  await mkdir(mount, { recursive: true });
  const device = sh(`losetup --find --show ${image}`).trim();
  sh(`mount -o ${options} ${device} ${mount}`);
  return { image, device, mount, remove: () => void sh(`umount -l ${mount}; losetup -d ${device}; true`) };
}

/** Whether somebody can write there within a second. Who can't waits in the kernel, where no signal ends it. */
export async function isWritable(mount: string): Promise<boolean> {
  const writer = spawn("sh", ["-c", `: >${mount}/.probe`], { stdio: "ignore" });
  const done = new Promise<boolean>((resolve) => writer.once("exit", (code) => resolve(code === 0)));
  return await Promise.race([done, sleep(1_000, false)]);
}

export function sh(script: string, options: { user?: string; input?: string } = {}): string {
  const [command, ...args] =
    options.user === undefined ? ["sh"] : ["runuser", "-u", options.user, "--", "sh"];
  const done = spawnSync(command!, [...args, "-c", script], {
    encoding: "utf8",
    cwd: "/",
    input: options.input,
  });
  if (done.status !== 0) throw new Error(`${script}: ${done.stderr || done.stdout || done.signal}`);
  return done.stdout;
}
