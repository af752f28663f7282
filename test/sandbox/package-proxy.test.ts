import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type RequestListener, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageProxy } from "../../sandbox/bodies/package-proxy.ts";

let cache: string;
let mirror: { host: string; asked: string[]; answer: RequestListener; server: Server };
let proxy: Server;

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), "rekindle-packages-"));
  const asked: string[] = [];
  const server = await listening((incoming, response) => {
    asked.push(incoming.url!);
    mirror.answer(incoming, response);
  });
  mirror = {
    host: `127.0.0.1:${port(server)}`,
    asked,
    server,
    answer: (_, response) => response.end("content"),
  };
  proxy = await listening(packageProxy({ hosts: new Set([mirror.host]), cache, upstream: undefined }));
});

afterEach(() => {
  for (const server of [mirror.server, proxy]) server.close().closeAllConnections();
  rmSync(cache, { recursive: true, force: true });
});

test("a package is asked of a mirror once", async () => {
  const path = "/debian/pool/main/t/tree/tree_2.1.0-1_amd64.deb";
  expect(await get(path)).toEqual({ status: 200, body: "content" });
  expect(await get(path)).toEqual({ status: 200, body: "content" });
  expect(mirror.asked).toEqual([path]);
});

test("an index is asked for each time, and is given as it last was when no mirror answers", async () => {
  const path = "/debian/dists/bookworm/InRelease";
  await get(path);
  mirror.answer = (_, response) => response.end("newer content");
  expect(await get(path)).toEqual({ status: 200, body: "newer content" });
  mirror.server.close().closeAllConnections();
  expect(await get(path)).toEqual({ status: 200, body: "newer content" });
});

test("what was never fetched is said to be missing, with the mirror's name, when no mirror answers", async () => {
  mirror.server.close().closeAllConnections();
  const { status, body } = await get("/debian/pool/a.deb");
  expect(status).toBe(504);
  expect(body).toContain(`no answer from ${mirror.host} for /debian/pool/a.deb`);
});

test("a mirror's refusal is passed on and not kept", async () => {
  mirror.answer = (_, response) => response.writeHead(404).end("no such file");
  expect(await get("/debian/pool/a.deb")).toEqual({ status: 404, body: "no such file" });
  mirror.answer = (_, response) => response.end("content");
  expect(await get("/debian/pool/a.deb")).toEqual({ status: 200, body: "content" });
});

test("what is cut off is not kept", async () => {
  mirror.answer = (_, response) => {
    response.writeHead(200, { "content-length": 1000 }).write("half");
    setTimeout(() => response.destroy(), 20);
  };
  await expect(get("/debian/pool/a.deb")).rejects.toThrow();
  expect(readdirSync(cache, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())).toEqual(
    [],
  );
});

test("nothing is got from another host, by another method, or from this computer's files", async () => {
  expect((await get("/", { host: "example.com" })).status).toBe(403);
  expect((await get("/debian/pool/a.deb", { method: "POST" })).status).toBe(405);
  expect((await ask({ path: "/etc/passwd" })).status).toBe(405);
  const outside = await get("/debian/../../../../etc/a.deb");
  expect(outside).toEqual({ status: 200, body: "content" });
  expect(mirror.asked).toEqual(["/etc/a.deb"]);
  expect(readdirSync(join(cache, mirror.host))).toEqual(["etc"]);
});

const get = (path: string, { host = mirror.host, method = "GET" } = {}) =>
  ask({ path: `http://${host}${path}`, method });

function ask({
  path,
  method = "GET",
}: {
  path: string;
  method?: string;
}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: port(proxy), path, method }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode!, body }));
    });
    asked.on("error", reject).end();
  });
}

async function listening(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function port(server: Server): number {
  return (server.address() as AddressInfo).port;
}
