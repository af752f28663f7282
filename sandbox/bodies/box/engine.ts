import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { debianBase, packageHosts, recipeDigest } from "../base-recipe.ts";
import type { Disk, Engine, EngineRegion } from "../engine.ts";
import { inWords } from "../lack.ts";
import { packageProxy } from "../package-proxy.ts";
import { baseTree } from "./base.ts";
import { type Devices, openDevices } from "./devices.ts";
import { makeEngineLayer } from "./engine-layer.ts";
import { type Network, openNetwork } from "./network.ts";
import { openRegion } from "./region.ts";
import { reopened } from "./reopened.ts";
import { missingForBox } from "./requirements.ts";
import { openStore } from "./store.ts";

export interface BoxOptions {
  /** The disks of this run. Emptied first: they belong to instances that are gone. */
  folder: string;
  /** Base images and packages, which outlive runs. */
  cache: string;
  /** The bundled relay. */
  relayScript: string;
  recipe?: typeof debianBase;
}

const limits = [
  "servers share this computer's kernel: none of their own boots, and no module or boot loader is proven",
  "systemd does not run: a stand-in reads the real unit files, and what it leaves out (timers, sockets, sandboxing, resource limits) is not proven",
  "striped volumes are not striped: the data is on the first one, and the others carry a mark",
  "networks have no subnets, security groups or routes: the servers of a region all reach each other",
];

/** The engine of namespaces, overlayfs and loop devices. Takes Linux and root; rejects with what is missing. */
export async function openBox({
  folder,
  cache,
  relayScript,
  recipe = debianBase,
}: BoxOptions): Promise<Engine> {
  await mkdir(folder, { recursive: true });
  const missing = await missingForBox(folder);
  if (missing.length > 0) throw new Error(`the engine box can't run here: ${inWords(missing)}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const store = openStore(folder);
  const engineLayer = join(folder, "engine");
  // Names what servers leave, also for the next keeper of devices when one was killed.
  const run = `${process.pid}-${randomBytes(3).toString("hex")}`;
  const devices = reopened(() => openDevices(run));
  const unconfined = await trial(await devices());
  const packages = packageProxy({
    hosts: packageHosts(recipe),
    cache: join(cache, "packages"),
    upstream: process.env.http_proxy,
  });
  const open = new Map<string, { bodies: EngineRegion; network(): Promise<Network> }>();
  const bases = new Map<string, Promise<Disk>>();
  let tree: Promise<string> | undefined;

  const prepare = (say: (line: string) => void): Promise<string> => {
    tree ??= (async () => {
      const base = await baseTree(join(cache, "bases"), recipe, say);
      await makeEngineLayer(engineLayer, base);
      return base;
    })().catch((error: Error) => {
      // The next one may have a mirror.
      tree = undefined;
      throw error;
    });
    return tree;
  };

  return {
    name: "box",
    baseDigest: recipeDigest(recipe, process.arch),
    limits: [...limits, sharedRoot(unconfined)],
    prepareBase: async (say) => void (await prepare(say)),
    async openRegion(region, { metadata, aws, resolve }) {
      if (open.has(region)) throw new Error(`region ${region} is open already`);
      const ports = {
        metadata: (request: IncomingMessage, response: ServerResponse) =>
          metadata(request.socket.remoteAddress ?? "", request, response),
        aws,
        packages,
      };
      const network = reopened(async () => {
        const opened = await openNetwork(relayScript, { ports, resolve });
        // Its machines have lost it for good: they end, as those of a host whose network fails.
        void opened.gone.then(() => bodies.kill());
        return opened;
      });
      const confines = unconfined === undefined;
      const bodies = openRegion({ region, store, devices, network, engineLayer, confines });
      open.set(region, { bodies, network });
      await network();
      return bodies;
    },
    base(region) {
      const known =
        bases.get(region) ?? prepare(() => undefined).then((base) => store.imageOfBase(region, base));
      bases.set(region, known);
      known.catch(() => bases.delete(region));
      return known;
    },
    async close() {
      await Promise.all([...open.values()].map(({ bodies }) => bodies.kill()));
      await Promise.all([...open.values()].map(async ({ network }) => await (await network()).close()));
      await (await devices()).close();
    },
  };
}

/** Why this computer can't keep servers to their own devices; nothing when it can. */
async function trial(devices: Devices): Promise<string | undefined> {
  try {
    await devices.confine("trial");
    await devices.free("trial");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function sharedRoot(unconfined: string | undefined): string {
  return unconfined === undefined
    ? "a server's root is root of a kernel that all share: this computer's devices and its settings below /proc/sys are refused to it, but a program that attacks the kernel itself belongs on qemu"
    : `a server's root can reach this computer's devices and settings, since they can't be refused here: ${unconfined}`;
}
