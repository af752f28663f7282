import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Manifest } from "../../bootstrap/release/manifest.ts";
import { publicKey } from "../../bootstrap/release/signature.ts";
import { aFile } from "../builders.ts";
import { aBootingServer, type BootingServer, type Tampering } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

// The other tests of a boot run in the first one.
const shell = shells.at(-1)!;
const page = (text: string) => aFile("etc/shop.conf", text);
let server: BootingServer;
beforeEach(() => {
  server = aBootingServer();
});
afterEach(() => server.remove());

function flipped(bytes: Buffer, at = bytes.length >> 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}
const changed = (change: Partial<Manifest>) => (manifest: Manifest) => ({ ...manifest, ...change });

describe("a server stays as it was, and says which check failed, at", () => {
  test.for<[string, Tampering, RegExp]>([
    [
      "a flipped bit of the manifest",
      { manifest: (text) => flipped(Buffer.from(text)).toString("latin1") },
      /the manifest's digest is /,
    ],
    [
      "a flipped bit of the bundle",
      { bundle: (bytes) => flipped(bytes) },
      /the bundle('s digest is| is no whole gzip file)/,
    ],
    [
      "a bundle cut short",
      { bundle: (bytes) => bytes.subarray(0, bytes.length - 9) },
      /the bundle is no whole gzip file/,
    ],
    [
      "a flipped bit of the signature",
      { signature: (bytes) => flipped(bytes) },
      /no trusted key has signed the manifest of r2/,
    ],
    [
      "another key's signature",
      { signer: generateKeyPairSync("ed25519").privateKey },
      /no trusted key has signed/,
    ],
    [
      "an older release's manifest, signed",
      { forged: changed({ release: "r0" }) },
      /is of release r0, and release r2 is pinned/,
    ],
    [
      "another environment's manifest, signed",
      { forged: changed({ environment: "bank" }) },
      /of environment bank, and this server of shop/,
    ],
    [
      "another region's manifest, signed",
      { forged: changed({ region: "us-east-1" }) },
      /of region us-east-1/,
    ],
    [
      "a manifest of another version",
      { forged: changed({ version: 2 as 1 }) },
      /has version 2, and this script reads version 1/,
    ],
  ])("%s", async ([, tamper, reason]) => {
    server.identify(await server.publish("r1", [page("one")]));
    expect(server.boot(shell).code).toBe(0);
    server.identify(await server.publish("r2", [page("two")], { tamper }));
    const before = server.contents();
    const { code, stderr } = server.boot(shell);
    expect(stderr).toMatch(reason);
    expect(stderr).toContain("nothing was changed");
    expect(code).toBe(1);
    expect(server.contents()).toEqual(before);
    expect(server.report()).toMatchObject({ outcome: "failed", release: "r1", pinned: "r2" });
  });

  test("no trusted key at all", async () => {
    server.program("ls", "exit 1");
    server.identify(await server.publish("r1", [page("one")]));
    server.call(shell, 'rm "$root"/etc/rekindle/keys/*.pem');
    const { code, stderr } = server.boot(shell);
    expect(stderr).toContain("there is no key in /etc/rekindle/keys to check the release with");
    expect(code).toBe(1);
  });
});

test("any trusted key's signature is enough, of P-256 too", async () => {
  const { privateKey, publicKey: half } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = publicKey(half.export({ type: "spki", format: "pem" }).toString());
  const pins = await server.publish("r1", [page("one")], { tamper: { signer: privateKey } });
  server.call(shell, `cd "$root-bucket/releases/r1/signatures" && mv *.sig@ ${key.id}.sig@`);
  server.identify(pins);
  expect(server.boot(shell).stderr).toContain("no trusted key has signed");
  server.file(`etc/rekindle/keys/${key.id}.pem`, key.pem);
  expect(server.boot(shell)).toMatchObject({ code: 0 });
});

test("a signature that is not there is told apart from one that is not of the manifest", async () => {
  server.identify(await server.publish("r1", [page("one")]));
  server.call(shell, 'rm "$root-bucket"/releases/r1/signatures/*');
  expect(server.boot(shell).stderr).toMatch(/no trusted key has signed .*\.sig can't be fetched \(NoSuchKey/);
});

describe("a bundle", () => {
  test.for([
    ["an absolute path", "/etc/passwd"],
    ["a way up", "etc/../../passwd"],
    ["an empty part", "etc//passwd"],
  ])("with %s is refused", async ([, path]) => {
    server.identify(await server.publish("r1", [aFile(path!, "x")]));
    const { code, stderr } = server.boot(shell);
    expect(stderr).toMatch(/which leads out of its folder|not as its manifest says/);
    expect(code).toBe(1);
  });

  test("that would write behind its own link is refused", async () => {
    const link = { kind: "link" as const, path: "etc/a", target: "/tmp", owner: "root", group: "root" };
    server.identify(await server.publish("r1", [link, aFile("etc/a/b", "x")]));
    const { code, stderr } = server.boot(shell);
    expect(stderr).toContain("'etc/a/b', which lies behind a link");
    expect(code).toBe(1);
  });
});

describe("a bucket that can't be reached", () => {
  test("is asked again, and all is well when it answers", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.bucket("down", "xxx");
    expect(server.boot(shell)).toMatchObject({ code: 0 });
  });

  test("for long leaves the server as it was", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.boot(shell);
    server.identify(await server.publish("r2", [page("two")]));
    server.bucket("down", "x".repeat(50));
    const { code, stderr } = server.boot(shell);
    expect(stderr).toMatch(/manifest\.json at version m1 can't be fetched \(no answer from/);
    expect(stderr).toContain("the report could not be delivered");
    expect(code).toBe(1);
    expect(server.read("etc/shop.conf")).toBe("one");
  });

  test("is asked again when the instance's role comes after the instance", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.program("sleep", `echo i-0abc >${server.bucketPath}/instance`);
    expect(server.boot(shell, "", "unset AWS_ACCESS_KEY_ID;")).toMatchObject({ code: 0 });
  });

  test("for a role that never comes says so", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    const { code, stderr } = server.boot(shell, "", "unset AWS_ACCESS_KEY_ID;");
    expect(stderr).toContain("this server has no role to ask AWS with");
    expect(code).toBe(1);
  });

  test("for want of permission is not asked again", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.bucket("deny", "");
    const { stderr } = server.boot(shell);
    expect(stderr).toContain("AccessDenied");
    expect(
      server
        .read("../root-bucket/calls")
        .split("\n")
        .filter((line) => line.startsWith("GET")),
    ).toHaveLength(1);
  });
});
