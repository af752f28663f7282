import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { get, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

export interface PackageProxyOptions {
  /** Hosts of Debian's mirrors; bodies reach no other ones. */
  hosts: ReadonlySet<string>;
  /** Where packages are kept, from one game day to the next. */
  cache: string;
  /** The proxy that this computer itself needs, such as `http_proxy` names it. */
  upstream: string | undefined;
}

/**
 * An HTTP proxy for Debian's packages. Files whose name says what is in them never change and are asked of a mirror once;
 * indexes are asked for each time, and given as they last were when no mirror answers. Signatures are apt's to check.
 */
export function packageProxy({ hosts, cache, upstream }: PackageProxyOptions): RequestListener {
  return (request, response) => {
    answer(request, response).catch((error: Error) => refuse(response, 502, error.message));
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.canParse(request.url ?? "") ? new URL(request.url!) : undefined;
    if (request.method !== "GET" || url?.protocol !== "http:")
      return refuse(response, 405, "this proxy gets Debian's packages over http, and nothing else");
    if (!hosts.has(url.host))
      return refuse(
        response,
        403,
        `${url.host} is none of the base image's package sources (${[...hosts].join(", ")})`,
      );
    // The URL has no dot segments any more, and a name that is not plain is not kept.
    const kept = /^[\w./+~:%=-]+$/.test(url.pathname) ? join(cache, url.host, url.pathname) : undefined;
    if (kept !== undefined && isImmutable(url.pathname) && existsSync(kept))
      return await give(kept, response);
    let found: IncomingMessage;
    try {
      found = await ask(url, upstream);
    } catch (error) {
      if (kept !== undefined && existsSync(kept)) return await give(kept, response);
      return refuse(
        response,
        504,
        `no answer from ${url.host} for ${url.pathname}: ${(error as Error).message}`,
      );
    }
    await pass(found, response, found.statusCode === 200 ? kept : undefined);
  }
}

function isImmutable(path: string): boolean {
  return path.endsWith(".deb") || path.includes("/by-hash/");
}

/** How long a mirror may be silent. */
const silenceMs = 30_000;

function ask(url: URL, upstream: string | undefined): Promise<IncomingMessage> {
  const via = upstream === undefined ? undefined : new URL(upstream);
  const target = via
    ? { host: via.hostname, port: via.port || 80, path: url.href }
    : { host: url.hostname, port: url.port || 80, path: url.pathname + url.search };
  return new Promise((resolve, reject) => {
    const asked = get({ ...target, headers: { host: url.host, "user-agent": "rekindle" } }, resolve);
    asked.setTimeout(silenceMs, () => asked.destroy(new Error(`it was silent for ${silenceMs / 1000} s`)));
    asked.on("error", reject);
  });
}

/** Passes a mirror's answer on while it comes, and keeps what came whole. */
async function pass(
  found: IncomingMessage,
  response: ServerResponse,
  kept: string | undefined,
): Promise<void> {
  // What is kept is given without its length: it ends when we say so, and whoever asks again then gets the file.
  const wanted = kept === undefined ? /^(content-|last-modified|location)/ : /^(content-type|last-modified)/;
  const headers = Object.entries(found.headers).filter(([name]) => wanted.test(name));
  response.writeHead(found.statusCode ?? 502, Object.fromEntries(headers) as Record<string, string>);
  if (kept === undefined) return await pipeline(found, response);
  const aside = `${kept}.${randomBytes(4).toString("hex")}.new`;
  await mkdir(dirname(kept), { recursive: true });
  const file = createWriteStream(aside);
  try {
    const written = pipeline(found, file);
    found.pipe(response, { end: false });
    await written;
    const length = found.headers["content-length"];
    if (length !== undefined && (await stat(aside)).size !== Number(length))
      throw new Error("the answer was cut off");
    await rename(aside, kept);
    response.end();
  } catch (error) {
    await rm(aside, { force: true });
    response.destroy(error as Error);
  }
}

async function give(kept: string, response: ServerResponse): Promise<void> {
  const { size, mtime } = await stat(kept);
  response.writeHead(200, { "content-length": size, "last-modified": mtime.toUTCString() });
  await pipeline(createReadStream(kept), response);
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { "content-type": "text/plain" }).end(`${reason}\n`);
}
