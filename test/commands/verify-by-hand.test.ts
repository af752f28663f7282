import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleKey } from "../../bootstrap/release/release.ts";
import { aTopology, recovery } from "../builders.ts";
import { clients } from "../sandbox/clients.ts";
import { runningSandbox } from "../sandbox/gateway.ts";
import { publishIn, testField } from "./field.ts";

const lines = /<!-- verify by hand -->\n```sh\n([\s\S]*?)```/.exec(readFileSync("README.md", "utf8"))![1]!;
const isInstalled = (program: string) => spawnSync(program, ["--version"]).error === undefined;

describe.runIf(["aws", "openssl", "sha256sum"].every(isInstalled))("the README's lines", () => {
  const sandbox = runningSandbox();
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rekindle-by-hand-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function published() {
    const { shared, ...field } = await testField(sandbox(), aTopology());
    const { release } = await publishIn({ shared, ...field });
    const [key] = shared.trusted;
    mkdirSync(join(folder, "configs/keys"), { recursive: true });
    writeFileSync(join(folder, `configs/keys/${key!.id}.pem`), key!.pem);
    const { store } = field.cloud.recovery.catalog;
    const { manifest } = (await field.cloud.recovery.catalog.manifest(release))!;
    const environment = {
      PATH: process.env.PATH,
      HOME: folder,
      bucket: store.bucket,
      release,
      key_id: key!.id,
      role: "web",
      AWS_ENDPOINT_URL: sandbox().endpoint,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_DEFAULT_REGION: recovery,
    };
    return {
      store,
      bundle: bundleKey("web", manifest.roles.web!.bundleSha256),
      byHand: () => spawnSync("sh", ["-e", "-c", lines], { cwd: folder, env: environment, encoding: "utf8" }),
    };
  }

  test("agree with what was published", async () => {
    const { byHand } = await published();
    const { status, stdout, stderr } = byHand();
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("Signature Verified Successfully");
    expect(stdout).toContain("bundle.tar: OK");
    expect(stdout).toContain("etc/web.conf");
  });

  test("find a manifest that was tampered with", async () => {
    const { store, byHand } = await published();
    const key = (await store.list("releases/")).find((name) => name.endsWith("manifest.json"))!;
    const Body = (await store.get(key))!.body.toString().replace("etc/web.conf", "etc/wob.conf");
    await clients(sandbox().endpoint, recovery).s3.send(
      new PutObjectCommand({ Bucket: store.bucket, Key: key, Body }),
    );
    expect(byHand().stdout).not.toContain("Signature Verified Successfully");
    expect(byHand().status).not.toBe(0);
  });
});
