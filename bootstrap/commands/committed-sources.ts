import type { ConfigFiles } from "../config/files.ts";
import { loadEnvironment, loadTopology } from "../config/load.ts";
import type { Topology } from "../config/schema.ts";
import type { Repository } from "../edges/git.ts";
import { badConfiguration } from "../errors.ts";
import { isKept, keptTrees, type PackedTree } from "../release/kept-trees.ts";
import type { Manifest } from "../release/manifest.ts";
import type { PublicKey } from "../release/signature.ts";
import { changedSources } from "../release/sources.ts";
import { trustedKeys, withTrustedKey } from "../release/trust.ts";
import { allowedSecretsPath, secretFaults } from "../secrets/allowed.ts";
import type { PublishContext } from "./publish.ts";

/** What a release is made of. */
export const versioned = ["configs", "cloud-init"];

/**
 * A commit as `publish` takes it. Little of it is read at first: a bucket that has an earlier release of ours has most
 * of its trees too, and what was checked and packed then is neither read nor checked again.
 */
export async function committedSources(
  repository: Repository,
  commit: string,
  environment: string,
  sandboxKey?: PublicKey,
): Promise<Pick<PublishContext, "topology" | "commit" | "trusted" | "sources">> {
  const trusting = (files: ConfigFiles) =>
    sandboxKey === undefined ? files : withTrustedKey(files, sandboxKey);
  const few = trusting(await repository.files(commit, ["configs/environments", "configs/keys"]));
  const found = loadEnvironment(few, environment);
  const all = async (kept: Readonly<Record<string, PackedTree>>) => {
    const files = await repository.files(commit, versioned, (path) => isKept(path, kept));
    const secrets = secretFaults(files, (path) => isKept(path, kept));
    if (secrets.length > 0) throw badConfiguration(secrets);
    const loaded = loadTopology(trusting(files), environment);
    if (loaded.kind === "faulty") throw badConfiguration(loaded.faults);
    return { topology: loaded.topology, sources: changedSources(loaded.topology, trusting(files), kept) };
  };
  const topology: Pick<Topology, "environment"> =
    found === undefined ? (await all({})).topology : { environment: found };
  return {
    topology,
    commit,
    trusted: trustedKeys(few),
    sources: async (known) =>
      (await all(known === undefined ? {} : await kept(repository, known, commit))).sources,
  };
}

async function kept(
  repository: Repository,
  known: Manifest,
  commit: string,
): Promise<Record<string, PackedTree>> {
  const changed = await repository.changed(known.commit, commit, versioned);
  // A commit that is not here can't be compared; what was allowed then may be a secret now.
  if (changed === undefined || changed.includes(allowedSecretsPath)) return {};
  return keptTrees(known, changed);
}
