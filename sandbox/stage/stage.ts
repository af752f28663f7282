import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import { asideOf, removeAbandoned } from "../abandoned.ts";
import type { Body, Disk, Engine, EngineName, EngineRegion } from "../bodies/engine.ts";
import { engineKind } from "../bodies/kinds.ts";
import { awsOfOneServer, type Provisions } from "./aws.ts";
import { type SavedImages, savedImages } from "./images.ts";
import { type Described, metadataOfOneServer } from "./metadata.ts";

export interface StageOptions {
  engine: EngineName;
  /** For base and golden images and packages, which outlive the stage. */
  cache: string;
  /** Where the bundled programs are. */
  programs: string;
  region: string;
  clock: Clock;
}

/** A server as it is launched. */
export interface StagedServer extends Omit<Described, "id" | "region"> {
  image: Disk;
  /** Data volumes: blank, or from a folder into which a snapshot was saved. */
  volumes: readonly { device: string; sizeGiB: number; from?: string }[];
  provisions: Provisions;
}

/** A server that runs on a stage. */
export interface Performance {
  body: Body;
  /** The report of its boot; one that never comes stays pending. */
  reported: Promise<string>;
  /** Everything that it has said so far. */
  console(): Promise<string>;
  /** Calls of AWS that it made and that a stage has no answer to. */
  refusedCalls: ReadonlySet<string>;
}

/** An engine with room for one server at a time, and as much of AWS around it as the server's boot asks for. */
export class Stage {
  readonly engine: Engine;
  readonly #options: StageOptions;
  readonly #folder: string;
  #region: EngineRegion | undefined;
  #images: SavedImages | undefined;
  #current: Described | undefined;
  #aws: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.destroy();

  private constructor(engine: Engine, folder: string, options: StageOptions) {
    this.engine = engine;
    this.#folder = folder;
    this.#options = options;
  }

  /** Takes seconds at most: the base image is made by `prepare`. Rejects with what the engine lacks. */
  static async open(options: StageOptions): Promise<Stage> {
    const folder = asideOf(join(options.cache, "stages", "stage"));
    await mkdir(folder, { recursive: true });
    await removeAbandoned(join(options.cache, "stages"));
    const { cache, programs } = options;
    try {
      const engine = await engineKind(options.engine).open({ state: folder, cache, programs });
      return new Stage(engine, folder, options);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async prepare(say: (line: string) => void): Promise<void> {
    await this.engine.prepareBase(say);
    const metadata = metadataOfOneServer(() => this.#current, this.#options.clock);
    this.#region = await this.engine.openRegion(this.#options.region, {
      metadata: (address, request, response) =>
        void metadata.answer(address, request, response).catch(() => response.destroy()),
      aws: (request, response) => this.#aws(request, response),
      resolve: () => undefined,
    });
    this.#images = savedImages(join(this.#options.cache, "images"), this.engine, this.#region);
  }

  /** A golden image that was baked before. */
  async image(recipe: string): Promise<Disk | undefined> {
    return await this.#images!.find(recipe);
  }

  /** Boots the base with a builder's user-data until it powers itself off; gives its console and what it has become. */
  async bake(builder: Omit<StagedServer, "image" | "volumes" | "provisions">) {
    const provisions = { objects: new Map(), parameters: new Map(), secrets: new Map() };
    const image = await this.engine.base(this.#options.region);
    const root = await this.#region!.rootFrom(image);
    const { body, console } = await this.#launch({ ...builder, image, volumes: [], provisions }, root);
    await body.stopped;
    return {
      console: await console(),
      save: async (recipe: string): Promise<Disk> => {
        const baked = await this.#region!.imageOf(root);
        await this.#images!.save(recipe, baked);
        return baked;
      },
    };
  }

  async boot(server: StagedServer): Promise<Performance> {
    return await this.#launch(server, await this.#region!.rootFrom(server.image));
  }

  /** Ends whatever runs, and leaves nothing but what is in the cache. */
  async close(): Promise<void> {
    await this.engine.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #launch(server: StagedServer, root: Disk): Promise<Performance> {
    const volumes = await Promise.all(
      server.volumes.map(async ({ device, sizeGiB, from }) => ({
        device,
        disk:
          from === undefined
            ? await this.#region!.blankVolume(sizeGiB)
            : await this.#region!.volumeFrom(await this.#region!.load(from), sizeGiB),
      })),
    );
    const id = `i-${randomBytes(9).toString("hex").slice(0, 17)}`;
    const consoleFile = join(this.#folder, `${id}.console`);
    this.#current = { ...server, id, region: this.#options.region };
    const refusedCalls = new Set<string>();
    const reported = new Promise<string>((reported) => {
      this.#aws = awsOfOneServer(server.provisions, { reported, refused: (call) => refusedCalls.add(call) });
    });
    const body = await this.#region!.boot({ id, address: server.address, root, volumes, consoleFile });
    return { body, reported, refusedCalls, console: () => readFile(consoleFile, "utf8").catch(() => "") };
  }
}
