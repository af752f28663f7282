import { existsSync } from "node:fs";
import { join } from "node:path";
import { signingAlias } from "../config/names.ts";
import type { Topology } from "../config/schema.ts";
import { createKeyFile, fileSigner, type Signer } from "../edges/signers.ts";
import type { PackedTrees } from "../release/packed-trees.ts";
import type { PublicKey } from "../release/signature.ts";
import { type Committed, committed, stateFolder } from "./project.ts";
import { awsAccessOfShell, isSandbox, type Running } from "./shell.ts";
import { type Worktree, worktree } from "./worktree.ts";

/** A sandbox signs with a key of its own, made when it is first needed: it proves nothing outside of this machine. */
function sandboxSigner(): Signer {
  const path = join(stateFolder(), "sandbox-signing-key.pem");
  if (!existsSync(path)) createKeyFile(path);
  return fileSigner(path);
}

/** What a sandbox's servers trust beside the commit's own keys; nothing on a real AWS. */
export async function sandboxTrust(): Promise<PublicKey[]> {
  return isSandbox() ? [await sandboxSigner().publicKey()] : [];
}

/** A commit for the AWS of the shell. Where that is a sandbox, its servers trust the sandbox's key too. */
export async function committedForShell(
  options: { env?: string; commit?: string },
  packed?: PackedTrees,
): Promise<Committed> {
  return committed(options, (await sandboxTrust())[0], packed);
}

/** A commit for a sandbox, whatever the shell says, and what signs its release. */
export async function committedForSandbox(options: {
  env?: string;
  commit?: string;
}): Promise<Committed & { signer: Signer }> {
  const signer = sandboxSigner();
  return { ...(await committed(options, await signer.publicKey())), signer };
}

/** A role of the work tree for a sandbox, and what signs it: nobody else's servers trust that key. */
export async function worktreeForSandbox(
  role: string,
  options: { env?: string },
): Promise<Worktree & { signer: Signer }> {
  const signer = sandboxSigner();
  return { ...(await worktree(role, options, await signer.publicKey())), signer };
}

/** What REKINDLE_SIGNING_KEY names: a PEM file or a KMS key; else the foundation's KMS key of the recovery region. */
export async function signerOfShell({ environment }: Topology, run: Running): Promise<Signer> {
  const named = process.env.REKINDLE_SIGNING_KEY ?? "";
  const isKms = /^(alias\/|arn:aws[\w-]*:kms:)/.test(named);
  if (named !== "" && !isKms) return fileSigner(named);
  if (named === "" && isSandbox()) return sandboxSigner();
  const region = /^arn:aws[\w-]*:kms:([^:]+):/.exec(named)?.[1] ?? environment.regions.recovery;
  const { kmsSigner } = await import("../edges/aws/kms-signer.ts");
  return kmsSigner(awsAccessOfShell(run), region, named || signingAlias(environment.name));
}
