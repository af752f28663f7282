import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { adoptedRecipe } from "../../../sandbox/bodies/qemu/adoption.ts";
import { fetchImage, imageWish } from "../../../sandbox/bodies/qemu/named-image.ts";
import { basePlan, planDigest } from "../../../sandbox/bodies/qemu/plan.ts";
import { qemuBase } from "../../../sandbox/bodies/qemu/recipe.ts";

const folder = mkdtempSync(join(tmpdir(), "rekindle-image-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const content = Buffer.alloc(3_000_000, "an image");
const sum = (algorithm: string) => createHash(algorithm).update(content).digest("hex");
const path = join(folder, "image.qcow2");
writeFileSync(path, content);
let folders = 0;
const aside = () => join(folder, `aside-${++folders}`);
const named = (where: string, checksum = sum("sha256")) =>
  ({ where, algorithm: "sha256", checksum }) as const;

test("an image is named with its checksum, and is refused without", () => {
  expect(imageWish({})).toEqual({ kind: "none" });
  expect(imageWish({ REKINDLE_BASE_IMAGE: path, REKINDLE_BASE_SHA512: sum("sha512").toUpperCase() })).toEqual(
    {
      kind: "image",
      image: { where: path, algorithm: "sha512", checksum: sum("sha512") },
    },
  );
  expect(imageWish({ REKINDLE_BASE_IMAGE: path })).toMatchObject({
    reason: expect.stringMatching(/set REKINDLE_BASE_SHA256/),
  });
  expect(imageWish({ REKINDLE_BASE_IMAGE: path, REKINDLE_BASE_SHA256: "12ab" })).toMatchObject({
    reason: expect.stringMatching(/64 hex digits/),
  });
});

test("a file that is what it has to be is taken", async () => {
  const to = aside();
  const said: string[] = [];
  await fetchImage(named(path), to, (line) => said.push(line));
  expect(readFileSync(join(to, "image")).equals(content)).toBe(true);
  expect(said.at(-1)).toBe(`${path}: 100 % of 3 MB`);
});

test("an image is refused that is another one, with both checksums", async () => {
  await expect(fetchImage(named(path, "0".repeat(64)), aside(), () => undefined)).rejects.toThrow(
    new RegExp(`${sum("sha256")}, and not 0{64}`),
  );
});

test("an image comes from a web server, or its answer is told", async () => {
  const server = createServer((request, response) => {
    if (request.url === "/moved") response.writeHead(302, { location: "/image" }).end();
    else if (request.url === "/image") response.end(content);
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const to = aside();
  await fetchImage(named(`${at}/moved`), to, () => undefined);
  expect(readFileSync(join(to, "image")).equals(content)).toBe(true);
  await expect(fetchImage(named(`${at}/other`), aside(), () => undefined)).rejects.toThrow(
    /the server says 404/,
  );
  await new Promise((closed) => server.close(closed));
  await expect(fetchImage(named(`${at}/image`), aside(), () => undefined)).rejects.toThrow(/can't be read/);
});

test("a base is another one when its image or what is added to it is", () => {
  const env = { REKINDLE_BASE_IMAGE: path, REKINDLE_BASE_SHA256: sum("sha256") };
  const digest = planDigest(basePlan(env));
  expect(planDigest(basePlan({ ...env, REKINDLE_BASE_IMAGE: "elsewhere" }))).toBe(digest);
  expect(planDigest(basePlan({ ...env, REKINDLE_BASE_SHA256: "1".repeat(64) }))).not.toBe(digest);
  expect(planDigest(basePlan(env, { ...qemuBase, packages: ["less"] }))).not.toBe(digest);
  expect(planDigest(basePlan({}))).not.toBe(digest);
});

test("an official image keeps its own kernel and boot, and gets the rest of the recipe", () => {
  const { packages, files } = adoptedRecipe(qemuBase);
  expect(packages.filter((name) => /linux-image|initramfs/.test(name))).toEqual([]);
  expect(packages).toContain("qemu-guest-agent");
  expect(
    Object.keys(files).filter((path) => /initramfs|fstab|rekindle-network|lib\/rekindle/.test(path)),
  ).toEqual([]);
  expect(Object.keys(files)).toEqual(
    expect.arrayContaining([
      "/etc/apt/apt.conf.d/90rekindle",
      "/etc/udev/rules.d/70-rekindle-volumes.rules",
      "/etc/systemd/network/05-rekindle.network",
      "/etc/environment",
    ]),
  );
});
