import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Instance } from "@aws-sdk/client-ec2";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import type { EmulatedRegion } from "./emulated-region.ts";
import { identityDocument, metadataTree, type Tree } from "./metadata-tree.ts";

const longestTtlSeconds = 21_600;

/** A body of the region, as its metadata tells of it. */
export interface Resident {
  instance: Instance;
  /** Of one that the emulator does not know; empty when it has none. */
  userData?: Buffer;
}

/** Who knows what there is to tell: the emulator, or whoever stands in for it. */
export type MetadataSource = Pick<
  EmulatedRegion,
  "region" | "userData" | "profileOf" | "roleOf" | "assume" | "publicKey"
>;

export interface MetadataMachines {
  byAddress(address: string): Resident | undefined;
}

/** An answer of the metadata service. */
interface Said {
  status: number;
  body?: string | Buffer;
  headers?: Record<string, string>;
}

/**
 * Instance metadata, version 2 only: whoever has no token, and so whoever could only make a server fetch a URL, learns
 * nothing. What it tells is the emulator's, when it is asked.
 */
export class MetadataService {
  readonly #emulated: MetadataSource;
  readonly #machines: MetadataMachines;
  readonly #clock: Clock;
  /** Until when a token is good, on the monotonic clock, and for whom. */
  readonly #tokens = new Map<string, { address: string; until: number }>();

  constructor(emulated: MetadataSource, machines: MetadataMachines, clock: Clock) {
    this.#emulated = emulated;
    this.#machines = machines;
    this.#clock = clock;
  }

  /** Answers one request from the body with that address. */
  async answer(address: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body = "", headers = {} } = await this.#say(address, request);
    const bytes = Buffer.from(body as string);
    response.writeHead(status, {
      "Content-Type": "text/plain",
      "Content-Length": bytes.length,
      Server: "EC2ws",
      ...headers,
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  }

  async #say(address: string, { method, url = "/", headers }: IncomingMessage): Promise<Said> {
    const path = url.split("?")[0]!;
    if (path === "/latest/api/token")
      return method === "PUT" ? this.#newToken(address, headers) : { status: 405 };
    if (method !== "GET" && method !== "HEAD") return { status: 405 };
    if (!this.#isGood(headers["x-aws-ec2-metadata-token"], address)) return { status: 401 };
    const resident = this.#machines.byAddress(address);
    if (resident === undefined) return { status: 404 };
    const { instance } = resident;
    if (path === "/") return { status: 200, body: "1.0\n2009-04-04\n2021-03-23\nlatest" };
    const [, , area, rest = ""] = /^\/(latest|1\.0|\d{4}-\d\d-\d\d)\/?([^/]*)(?:\/(.*))?$/.exec(path) ?? [];
    switch (area) {
      case "":
        return { status: 200, body: "dynamic\nmeta-data\nuser-data" };
      case "user-data":
        return await this.#userData(resident, rest);
      case "meta-data":
        return walk(await this.#tree(instance, rest), rest);
      case "dynamic":
        return walk(
          { "instance-identity": { document: identityDocument(instance, this.#emulated.region) } },
          rest,
        );
      default:
        return { status: 404 };
    }
  }

  #newToken(address: string, headers: IncomingMessage["headers"]): Said {
    const given = headers["x-aws-ec2-metadata-token-ttl-seconds"];
    const seconds = Number(given);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestTtlSeconds) return { status: 400 };
    // What a proxy has forwarded is not the instance's own request.
    if (headers["x-forwarded-for"] !== undefined) return { status: 403 };
    const now = this.#clock.monotonic();
    for (const [token, { until }] of this.#tokens) if (until <= now) this.#tokens.delete(token);
    const token = randomBytes(42).toString("base64");
    this.#tokens.set(token, { address, until: now + seconds * 1000 });
    return {
      status: 200,
      body: token,
      headers: { "X-Aws-Ec2-Metadata-Token-Ttl-Seconds": String(seconds) },
    };
  }

  #isGood(token: string | string[] | undefined, address: string): boolean {
    const known = this.#tokens.get(String(token));
    return known?.address === address && known.until > this.#clock.monotonic();
  }

  async #userData({ instance, userData }: Resident, rest: string): Promise<Said> {
    if (rest !== "") return { status: 404 };
    const data = userData ?? (await this.#emulated.userData(instance.InstanceId!));
    if (data.length === 0) return { status: 404 };
    return { status: 200, body: data, headers: { "Content-Type": "application/octet-stream" } };
  }

  /** Roles and keys are asked for only when the path may lead there. */
  async #tree(instance: Instance, path: string): Promise<Tree> {
    const top = path.split("/")[0];
    const profile = top === "iam" || top === "" ? await this.#emulated.profileOf(instance) : undefined;
    return {
      ...metadataTree(instance, this.#emulated.region),
      ...(profile === undefined ? {} : { iam: await this.#iam(instance, profile) }),
      ...(top === "public-keys" || top === "" ? await this.#publicKeys(instance) : {}),
    };
  }

  async #iam({ InstanceId }: Instance, profile: string): Promise<Tree> {
    const role = await this.#emulated.roleOf(profile);
    if (role === undefined) return {};
    const credentials = async () => {
      const got = await this.#emulated.assume(role.arn, InstanceId!);
      return JSON.stringify(
        {
          Code: "Success",
          LastUpdated: this.#clock.now().toISOString(),
          Type: "AWS-HMAC",
          AccessKeyId: got.AccessKeyId,
          SecretAccessKey: got.SecretAccessKey,
          Token: got.SessionToken,
          Expiration: got.Expiration?.toISOString(),
        },
        undefined,
        2,
      );
    };
    const info = {
      Code: "Success",
      LastUpdated: this.#clock.now().toISOString(),
      InstanceProfileArn: role.profileArn,
      InstanceProfileId: role.profileId,
    };
    return {
      info: JSON.stringify(info, undefined, 2),
      "security-credentials": { [role.name]: credentials },
    };
  }

  async #publicKeys({ KeyName }: Instance): Promise<Tree> {
    const key = KeyName && (await this.#emulated.publicKey(KeyName));
    return key ? { "public-keys": { [`0=${KeyName}`]: { "openssh-key": key } } } : {};
  }
}

/** What is at a path: a value, or a list of names, of which folders end with a slash. */
async function walk(tree: Tree, path: string): Promise<Said> {
  let at: Tree[string] | undefined = tree;
  for (const name of path.split("/").filter((part) => part !== "")) {
    if (typeof at !== "object") return { status: 404 };
    // A key is listed as `0=name`, and asked for as `0`.
    const keyed: string | undefined = Object.keys(at).find((entry) => entry.startsWith(`${name}=`));
    at = Object.hasOwn(at, name) ? at[name] : at[keyed ?? ""];
    if (at === undefined) return { status: 404 };
  }
  if (typeof at === "string") return { status: 200, body: at };
  if (typeof at === "function") return { status: 200, body: await at() };
  const names = Object.entries(at).map(([name, value]) =>
    typeof value === "object" && !name.includes("=") ? `${name}/` : name,
  );
  return { status: 200, body: names.join("\n") };
}
