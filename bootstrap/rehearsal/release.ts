import { renderUserData } from "../../cloud-init/user-data.ts";
import type { Topology } from "../config/schema.ts";
import { userDataVariables } from "../config/user-data.ts";
import { encodeJson } from "../json.ts";
import type { Manifest, ManifestPin } from "../release/manifest.ts";
import { assembleRelease, bundleKey, manifestPin, type RoleSource } from "../release/release.ts";
import type { RehearsedServer } from "./server.ts";

/** Stands where a release has its commit: this one was made of files that nobody has committed. */
export const worktree = "worktree";

/** The work tree as a release of one server's role: what its bucket would hold, and the user-data that pins it. */
export interface WorktreeRelease {
  release: string;
  manifest: ManifestPin;
  /** Content by `<bucket>/<key>`; the manifest's signature is still to come. */
  objects: Map<string, Uint8Array>;
  userData: string;
}

export async function worktreeRelease(
  topology: Topology,
  server: RehearsedServer,
  source: RoleSource,
): Promise<WorktreeRelease> {
  const { role, bucket, region } = server;
  const { name: environment } = topology.environment;
  const { release, commit, roles } = await assembleRelease(environment, worktree, { [role]: source });
  // It was packed just now: only a role that is published already comes without.
  const { bundle: packed, ...said } = roles[role]!;
  const bundle = { key: bundleKey(role, said.bundleSha256), versionId: worktree };
  const manifest: Manifest = {
    version: 1,
    release,
    environment,
    commit,
    region,
    bucket,
    roles: { [role]: { ...said, bundle } },
  };
  const body = encodeJson(manifest);
  const pin = manifestPin(bucket, release, worktree, body);
  const pins = { site: "primary", region, release: { release, commit }, manifest: pin } as const;
  return {
    release,
    manifest: pin,
    objects: new Map([
      [`${bucket}/${bundle.key}`, await packed()],
      [`${bucket}/${pin.key}`, Buffer.from(body)],
    ]),
    userData: renderUserData(
      source.userData,
      userDataVariables(topology, pins, { role, server: server.name }),
    ),
  };
}
