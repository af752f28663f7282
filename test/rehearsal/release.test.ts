import { gunzipSync } from "node:zlib";
import { worktreeRelease } from "../../bootstrap/rehearsal/release.ts";
import { rehearsedServer } from "../../bootstrap/rehearsal/server.ts";
import { sha256 } from "../../bootstrap/release/digest.ts";
import type { Manifest } from "../../bootstrap/release/manifest.ts";
import { aFile, aRoleSource, aTopology } from "../builders.ts";

const topology = aTopology();
const server = rehearsedServer(topology, "web");
const made = (changes = {}) => worktreeRelease(topology, server, aRoleSource(changes));

describe("the work tree as a release", () => {
  it("is named so that nobody takes it for a commit's", async () => {
    const { release, manifest, objects } = await made();
    expect(release).toMatch(/^worktree-[0-9a-f]{12}$/);
    const body = Buffer.from(objects.get(`${server.bucket}/${manifest.key}`)!).toString();
    expect(JSON.parse(body)).toMatchObject({ release, commit: "worktree", region: "eu-west-1" });
  });

  it("has another name for other content", async () => {
    const edited = await made({ tree: [aFile("etc/a.conf", "edited")] });
    expect(edited.release).not.toBe((await made()).release);
  });

  it("holds the bundle and the manifest at the digests that the user-data pins", async () => {
    const { manifest, objects, release, userData } = await made();
    const body = objects.get(`${server.bucket}/${manifest.key}`)!;
    expect(sha256(body)).toBe(manifest.sha256);
    const { bundle, bundleSha256 } = (JSON.parse(Buffer.from(body).toString()) as Manifest).roles.web!;
    expect(sha256(gunzipSync(objects.get(`${server.bucket}/${bundle.key}`)!))).toBe(bundleSha256);
    expect(userData).toContain(`# ${release}`);
  });
});
