import { mkdir, open, readFile, rm } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { systemClock } from "../../../bootstrap/edges/clock.ts";
import { metadataOfOneServer } from "../../stage/metadata.ts";
import type { BaseRecipe } from "../base-recipe.ts";
import { must } from "../disk-files.ts";
import { adoptedMark, adoptionUserData } from "./adoption.ts";
import { rootSize } from "./base.ts";
import type { Hardware } from "./hardware.ts";
import { startMachine } from "./machine.ts";
import { openRouter } from "./network/router.ts";

/** As slow as software emulation may be. */
const limitMs = 60 * 60_000;

/** Nobody else is there when it runs. */
const builder = { id: "i-00000000000000000", address: "10.0.0.10" } as const;

export interface Adoption {
  /** The official image, named as it is seen from the folder in which the base will be. */
  image: string;
  recipe: BaseRecipe;
  hardware: Hardware;
  packages: RequestListener;
}

/**
 * Makes a folder with a base that is an official image and what a recipe adds to it. The image itself is not changed: it
 * boots once, by its own boot loader, on a disk in front of it, with user-data that installs what is missing.
 */
export async function adopt({ image, recipe, hardware, packages }: Adoption, folder: string): Promise<void> {
  await mkdir(folder);
  const disk = join(folder, "disk");
  const format = await formatOf(join(folder, image));
  await must("qemu-img", ["create", "-q", "-f", "qcow2", "-b", image, "-F", format, disk, rootSize]);
  const described = {
    ...builder,
    region: "eu-west-1",
    account: "123456789012",
    instanceType: "t3.micro",
    profile: "none",
    userData: Buffer.from(adoptionUserData(recipe)),
  };
  const metadata = metadataOfOneServer(() => described, systemClock);
  const router = openRouter({
    ports: {
      metadata: (request, response) =>
        void metadata
          .answer(request.socket.remoteAddress ?? "", request, response)
          .catch(() => response.destroy()),
      aws: (_, response) => response.destroy(),
      packages,
    },
    resolve: () => undefined,
  });
  const consoleFile = join(folder, "console");
  try {
    const machine = { ...builder, root: disk, volumes: [], consoleFile };
    const running = await startMachine({
      machine,
      rootFile: disk,
      volumes: [],
      base: { kind: "image", disk },
      hardware,
      router,
    });
    const limit = setTimeout(running.kill, limitMs);
    await running.stopped;
    clearTimeout(limit);
  } finally {
    router.close();
  }
  const said = await readFile(consoleFile, "utf8").catch(() => "");
  if (!said.includes(adoptedMark)) {
    const end = said.trimEnd().split("\n").slice(-12).join("\n");
    throw new Error(
      `the official image did not become a base: it must be a Debian 12 with cloud-init, and Debian's packages must be reached; it said last:\n${end}`,
    );
  }
  await rm(consoleFile);
}

/** Official images are qcow2, which says so in its first bytes, or raw. */
export async function formatOf(file: string): Promise<"qcow2" | "raw"> {
  const opened = await open(file);
  try {
    const { buffer } = await opened.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1") === "QFI\xfb" ? "qcow2" : "raw";
  } finally {
    await opened.close();
  }
}
