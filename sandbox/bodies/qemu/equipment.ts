import type { RequestListener } from "node:http";
import { join, relative } from "node:path";
import { cachedBase } from "../base-cache.ts";
import { bestAccelerator } from "./accelerator.ts";
import { adopt } from "./adopt.ts";
import { type Base, baseOf } from "./base.ts";
import type { Hardware } from "./hardware.ts";
import { fetchImage, type NamedImage } from "./named-image.ts";
import { type BasePlan, planDigest } from "./plan.ts";
import { emulators } from "./requirements.ts";

/** What machines boot from, and on. */
export interface Equipment {
  base: Base;
  hardware: Hardware;
}

export interface EquipmentOptions {
  plan: BasePlan;
  /** Where base images are kept. */
  bases: string;
  /** Gets Debian's packages for a machine. */
  packages: RequestListener;
}

/** Looks what works on this computer, with the base that it makes first where it is not there. */
export async function equip(
  { plan, bases, packages }: EquipmentOptions,
  say: (line: string) => void,
): Promise<Equipment> {
  const emulator = emulators[process.arch]!;
  const on = async (base: Base) => ({ emulator, accelerator: await bestAccelerator(emulator, base) });
  if (plan.kind === "packages") {
    const base = await baseOf(bases, plan.recipe, say);
    return { base, hardware: await on(base) };
  }
  const official = await imageAsPublished(bases, plan.image, say);
  const hardware = await on({ kind: "image", disk: official });
  const duration = hardware.accelerator === "tcg" ? "ten minutes or more" : "about a minute";
  const adoption = { image: join("..", relative(bases, official)), recipe: plan.recipe, hardware, packages };
  const made = {
    digest: planDigest(plan),
    how: `adding to ${plan.image.where} what it lacks, on a machine of it: once, ${duration}`,
    make: (aside: string) => adopt(adoption, aside),
  };
  return { base: { kind: "image", disk: join(await cachedBase(bases, made, say), "disk") }, hardware };
}

/** The path of the image's own copy in the cache. */
async function imageAsPublished(
  bases: string,
  image: NamedImage,
  say: (line: string) => void,
): Promise<string> {
  const made = {
    digest: image.checksum.slice(0, 64),
    how: `fetching ${image.where}`,
    make: (aside: string) => fetchImage(image, aside, say),
  };
  return join(await cachedBase(bases, made, say), "image");
}
