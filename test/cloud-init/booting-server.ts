import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { parse } from "yaml";
import { sha256 } from "../../bootstrap/release/digest.ts";
import type { Manifest, ServerDuties } from "../../bootstrap/release/manifest.ts";
import { assembleRelease, type RoleSource } from "../../bootstrap/release/release.ts";
import { publicKey, signatureKey, statement } from "../../bootstrap/release/signature.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { renderTemplate } from "../../cloud-init/render.ts";
import type { UserDataVariables } from "../../cloud-init/variables.ts";
import { aRoleSource } from "../builders.ts";
import { aServer, type Ran, type Server } from "./sandboxed-server.ts";
import { someVariables } from "./variables.ts";

const script = resolve("cloud-init/boot");
const template = readFileSync("cloud-init/templates/server.yaml", "utf8");

/** The interpreter itself: a version manager's stand-in for it puts its own programs before the server's. */
export const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();

/** A server with an identity, a bucket that it can read, and no daemons: `systemctl` writes down what it is told. */
export interface BootingServer extends Server {
  /** Puts a signed release into the bucket; gives the pins of it. */
  publish(
    release: string,
    tree: TreeEntry[],
    change?: { duties?: Partial<ServerDuties>; source?: Partial<RoleSource>; tamper?: Tampering },
  ): Promise<Partial<UserDataVariables>>;
  /** Writes the identity that user-data would write. */
  identify(changes?: Partial<UserDataVariables>): void;
  /** `prelude` runs in the same shell before the script. */
  boot(shell: readonly string[], argument?: string, prelude?: string): Ran;
  /** Runs some lines before a program's own. */
  wrap(name: string, lines: string): void;
  /** Takes all wrappers away. */
  unwrap(): void;
  /** Runs some of the script's functions, without its story. */
  call(shell: readonly string[], functions: string): Ran;
  /** What was put into the bucket as the report of the last boot. */
  report(): Record<string, unknown> & { steps: { name: string }[] };
  told(): string[];
  bucket(path: string, content: string | Uint8Array): void;
  readonly bucketPath: string;
}

export interface Tampering {
  manifest?: (manifest: string) => string;
  /** Before it is signed and pinned: a manifest that is good, and not this server's. */
  forged?: (manifest: Manifest) => unknown;
  bundle?: (bundle: Buffer) => Buffer;
  signature?: (signature: Buffer) => Buffer;
  signer?: KeyObject;
}

export function aBootingServer(): BootingServer {
  const server = aServer();
  const own = new Map<string, string>();
  const wrapped = new Set<string>();
  const bucket = `${server.root}-bucket`;
  awsPort ??= startAws();
  const environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${awsPort}${bucket}`,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${awsPort}${bucket}`,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
  };
  const { privateKey, publicKey: half } = generateKeyPairSync("ed25519");
  const key = publicKey(half.export({ type: "spki", format: "pem" }).toString());
  const programs: Record<string, string> = {
    systemctl: `echo "$*" >> "${bucket}/systemctl"`,
    curl: "exit 0",
    sleep: "exit 0",
  };
  for (const [name, lines] of Object.entries(programs)) {
    own.set(name, lines);
    server.program(name, lines);
  }
  server.program("python3", `exec "${python}" "$@"`);
  const store = (path: string, content: string | Uint8Array) =>
    void server.file(`../root-bucket/${path}`, content);
  store("systemctl", "");
  server.file("etc/hosts", "127.0.0.1 localhost\n");
  server.file(`etc/rekindle/keys/${key.id}.pem`, key.pem);
  return {
    ...server,
    bucketPath: bucket,
    bucket: store,
    async publish(release, tree, { duties, source, tamper = {} } = {}) {
      const role = aRoleSource({
        tree,
        duties: {
          services: ["nginx.service"],
          health: { kind: "http", port: 80, path: "/healthz", timeoutSeconds: 2 },
          volumes: [],
          ...duties,
        },
        ...source,
      });
      const { bundle: packed, ...said } = (await assembleRelease("shop", "a".repeat(40), { web: role })).roles
        .web!;
      const bundle = { key: `bundles/web/${said.bundleSha256}.tar.gz`, versionId: "b1" };
      const { region } = someVariables();
      const manifest = {
        version: 1 as const,
        release,
        environment: "shop",
        commit: "a".repeat(40),
        region,
        bucket: "b",
        roles: { web: { ...said, bundle } },
      };
      const text = `${JSON.stringify((tamper.forged ?? same)(manifest), undefined, 2)}\n`;
      const manifestKey = `releases/${release}/manifest.json`;
      store(`${bundle.key}@${bundle.versionId}`, (tamper.bundle ?? same)(await packed()));
      store(`${manifestKey}@m1`, (tamper.manifest ?? same)(text));
      const signature = sign(
        tamper.signer === undefined || tamper.signer.asymmetricKeyType === "ed25519" ? null : "sha256",
        statement(sha256(text)),
        tamper.signer ?? privateKey,
      );
      store(`${signatureKey(release, key.id)}@`, (tamper.signature ?? same)(signature));
      return { release, manifestKey, manifestVersion: "m1", manifestSha256: sha256(text) };
    },
    identify(changes = {}) {
      const userData = parse(renderTemplate(template, someVariables(changes))) as UserData;
      const { path, content } = userData.write_files[0]!;
      server.file(path, content);
    },
    boot: (shell, argument = "", prelude = "") =>
      server.run([...shell], `${prelude} set -- ${argument}; . ${script}`, environment),
    wrap(name, lines) {
      wrapped.add(name);
      server.program(name, `${lines}\n${own.get(name) ?? `exec ${machines(name)} "$@"`}`);
    },
    unwrap() {
      for (const name of wrapped) server.program(name, own.get(name) ?? `exec ${machines(name)} "$@"`);
      wrapped.clear();
    },
    call: (shell, functions) =>
      server.run([...shell], `. ${script}; ${functions}`, { ...environment, REKINDLE_BOOT_SOURCED: "1" }),
    report: () => JSON.parse(readFileSync(`${bucket}/report`, "utf8")),
    told: () =>
      readFileSync(`${bucket}/systemctl`, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    remove() {
      if (existsSync(server.root)) server.remove();
    },
  };
}

/** Where the machine has a program. */
function machines(name: string): string {
  return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
}

interface UserData {
  write_files: { path: string; content: string }[];
}

const same = <T>(value: T) => value;

/** Starts the AWS of all servers of a test file, and ends with it. Gives its port. */
function startAws(): number {
  const folder = mkdtempSync(join(tmpdir(), "rekindle-aws-"));
  const child = spawn(python, [resolve("test/cloud-init/aws-server.py"), join(folder, "port")], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.unref();
  (child.stdin as Socket).unref();
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Whoever waits here holds up the whole thread, and so the child's events too: only its file can tell.
  for (let attempt = 0; attempt < 200 && !existsSync(join(folder, "port")); attempt++)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  return Number(readFileSync(join(folder, "port"), "utf8"));
}

let awsPort: number | undefined;
