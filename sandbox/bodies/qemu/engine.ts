import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { packageHosts } from "../base-recipe.ts";
import type { Disk, Engine, EngineRegion } from "../engine.ts";
import { inWords } from "../lack.ts";
import { packageProxy } from "../package-proxy.ts";
import { type Equipment, equip } from "./equipment.ts";
import { openRouter, type Router } from "./network/router.ts";
import { type BasePlan, basePlan, planDigest } from "./plan.ts";
import type { qemuBase } from "./recipe.ts";
import { openRegion } from "./region.ts";
import { missingForQemu } from "./requirements.ts";
import { openStore } from "./store.ts";

export interface QemuOptions {
  /** The disks of this run. Emptied first: they belong to instances that are gone. */
  folder: string;
  /** Base images and packages, which outlive runs. */
  cache: string;
  recipe?: typeof qemuBase;
}

const limits = [
  "networks have no subnets, security groups or routes: the servers of a region all reach each other",
  "volumes are virtio disks and no EBS: their names (/dev/sdf) are udev's links, and neither speed nor burst credits are those of a volume's type",
  "cloud-init has only its common modules: what user-data says for others, such as ntp, rsyslog or Puppet, is not done",
  "every server has one processor and 768 MB, whatever its instance type says",
];

const translated =
  "processors are imitated in software, since neither KVM nor HVF works here: boot times and speed say nothing about EC2";

const limitsOfBases: Readonly<Record<BasePlan["kind"], string>> = {
  packages:
    "no boot loader is proven: the kernel and its initial RAM disk are the base image's, whatever an image installs",
  image: "the base is an official image that Rekindle has changed: see README.md for what it adds",
};

/** Nobody had such a computer: what is said here was never run on one. */
const untried = [
  ...(process.platform === "darwin" ? ["macOS and HVF were never tried by Rekindle's own tests"] : []),
  ...(process.arch === "arm64"
    ? ["arm64 was never tried by Rekindle's own tests; its board takes no volume while a server runs"]
    : []),
];

/** The engine of whole machines with kernels of their own. Takes no root; rejects with what is missing. */
export async function openQemu({ folder, cache, recipe }: QemuOptions): Promise<Engine> {
  await mkdir(folder, { recursive: true });
  const missing = await missingForQemu(folder);
  if (missing.length > 0) throw new Error(`the engine qemu can't run here: ${inWords(missing)}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const plan = basePlan(process.env, recipe);
  const store = openStore(folder);
  const packages = packageProxy({
    hosts: packageHosts(plan.recipe),
    cache: join(cache, "packages"),
    upstream: process.env.http_proxy,
  });
  const open = new Map<string, { bodies: EngineRegion; router: Router }>();
  const bases = new Map<string, Promise<Disk>>();
  const told = [...limits, limitsOfBases[plan.kind], ...untried];
  let equipment: Promise<Equipment> | undefined;

  const prepare = (say: (line: string) => void) => {
    equipment ??= (async () => {
      const equipped = await equip({ plan, bases: join(cache, "bases"), packages }, say);
      if (equipped.hardware.accelerator === "tcg") told.push(translated);
      return equipped;
    })().catch((error: Error) => {
      // The next one may have a mirror.
      equipment = undefined;
      throw error;
    });
    return equipment;
  };

  return {
    name: "qemu",
    baseDigest: planDigest(plan),
    limits: told,
    prepareBase: async (say) => void (await prepare(say)),
    async openRegion(region, { metadata, aws, resolve }) {
      if (open.has(region)) throw new Error(`region ${region} is open already`);
      const router = openRouter({
        ports: {
          metadata: (request, response) => metadata(request.socket.remoteAddress ?? "", request, response),
          aws,
          packages,
        },
        resolve,
      });
      const bodies = openRegion({ region, store, router, equipment: () => prepare(() => undefined) });
      open.set(region, { bodies, router });
      return bodies;
    },
    base(region) {
      const known =
        bases.get(region) ?? prepare(() => undefined).then(({ base }) => store.imageOfBase(region, base));
      bases.set(region, known);
      known.catch(() => bases.delete(region));
      return known;
    },
    async close() {
      await Promise.all([...open.values()].map(({ bodies }) => bodies.kill()));
      for (const { router } of open.values()) router.close();
    },
  };
}
