import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run, succeeded } from "../../../bootstrap/edges/process.ts";
import { resolverAddress } from "../addresses.ts";
import { program } from "./programs.ts";

/** Stand-ins for what needs a kernel or a systemd of its own, by the path at which they hide the real one. */
const standIns = {
  "usr/bin/systemctl": "systemctl.py",
  "usr/bin/journalctl": "journalctl.py",
  "usr/sbin/mdadm": "mdadm.py",
  "usr/sbin/shutdown": "shutdown.py",
  "usr/sbin/poweroff": "shutdown.py",
  "usr/sbin/halt": "shutdown.py",
  "usr/sbin/reboot": "shutdown.py",
};

/** What the stand-ins and the first process are made of. */
const modules = [
  "init.py",
  "inventory.py",
  "jobs.py",
  "processes.py",
  "service.py",
  "setting.py",
  "states.py",
  "supervise.py",
  "tell.py",
  "units.py",
];

const home = "usr/lib/rekindle-box";

/** The layer above every root disk's own image: what makes a base's tree boot without a kernel of its own. */
export async function makeEngineLayer(layer: string, base: string): Promise<void> {
  await rm(layer, { recursive: true, force: true });
  const put = async (path: string, content: string) => {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await writeFile(join(layer, path), content);
  };
  await put(`${home}/base-units`, (await unitsOfBase(base)).map((path) => `${path}\n`).join(""));
  await put("etc/resolv.conf", `nameserver ${resolverAddress}\noptions timeout:2 attempts:2\n`);
  // A package that brings a new one of these puts it beside the stand-in.
  await put("var/lib/dpkg/diversions", Object.keys(standIns).map(diversion).join(""));
  await mkdir(join(layer, "usr/bin"), { recursive: true });
  await mkdir(join(layer, "usr/sbin"), { recursive: true });
  for (const [path, source] of Object.entries(standIns)) {
    await cp(program("guest", source), join(layer, path));
    await cp(join(base, path), join(layer, home, "real", path)).catch(() => undefined);
  }
  // Nobody would answer: without this program cloud-init goes on with the address that the engine has set.
  await hide(join(layer, "usr/sbin/dhclient"));
  for (const name of modules) await cp(program("guest", name), join(layer, home, name));
}

/** As overlayfs says that a lower layer's file is not there. */
async function hide(path: string): Promise<void> {
  const made = await run("mknod", [path, "c", "0", "0"]);
  if (!succeeded(made)) throw new Error(`${path} can't be hidden: ${made.stderr.trim()}`);
}

function diversion(path: string): string {
  return `/${path}\n/${home}/real/${path}\n:\n`;
}

/** What enables and writes units in the base. What an image has beyond that is there on purpose, and runs at boot. */
async function unitsOfBase(base: string): Promise<string[]> {
  const folders = ["etc/systemd/system", "usr/lib/systemd/system-generators"];
  const found = folders.map((folder) =>
    readdir(join(base, folder), { recursive: true, withFileTypes: true }),
  );
  const entries = (await Promise.all(found)).flat().filter((entry) => !entry.isDirectory());
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(base.length)).sort();
}
