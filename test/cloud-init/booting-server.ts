import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { canonicalJson, sha256 } from "../../bootstrap/release/digest.ts";
import { type ArchiveFile, canonicalTar } from "../../bootstrap/release/tar.ts";
import { renderUserData } from "../../cloud-init/render.ts";
import type { UserDataVariables } from "../../cloud-init/variables.ts";
import { aServer, type Ran, type Server } from "./sandboxed-server.ts";
import { someVariables } from "./variables.ts";

const script = resolve("cloud-init/boot");
const template = readFileSync("cloud-init/templates/web.yaml", "utf8");

/** A server with an identity, a bucket that it can read, and no daemons: `systemctl` writes down what it is told. */
export interface BootingServer extends Server {
  /** Puts a release into the bucket; gives the pins of it. */
  publish(release: string, files: ArchiveFile[], tamper?: Tampering): Promise<Partial<UserDataVariables>>;
  /** Writes the identity that user-data would write. */
  identify(changes?: Partial<UserDataVariables>): void;
  boot(shell: readonly string[]): Ran;
  /** Runs some of the script's functions, without its story. */
  call(shell: readonly string[], functions: string): Ran;
}

export interface Tampering {
  manifest?: (manifest: string) => string;
  bundle?: (bundle: Buffer) => Buffer;
}

export function aBootingServer(): BootingServer {
  const server = aServer();
  const bucket = `${server.root}-bucket`;
  server.program("aws", aws(bucket));
  server.program("systemctl", `echo "$*" >> "${bucket}/systemctl"`);
  server.program("curl", "exit 0");
  const store = (path: string, content: string | Uint8Array) =>
    server.file(`../root-bucket/${path}`, content);
  store("systemctl", "");
  server.file("etc/hosts", "127.0.0.1 localhost\n");
  return {
    ...server,
    async publish(release, files, { manifest: forge = same, bundle: spoil = same } = {}) {
      const tar = await canonicalTar(files);
      const bundle = { key: `bundles/web/${sha256(tar)}.tar.gz`, versionId: "b1" };
      const manifest = canonicalJson({ version: 1, roles: { web: { bundle, bundleSha256: sha256(tar) } } });
      const key = `releases/${release}/manifest.json`;
      store(`${bundle.key}@${bundle.versionId}`, spoil(gzipSync(tar)));
      store(`${key}@m1`, forge(manifest));
      return { release, manifestKey: key, manifestVersion: "m1", manifestSha256: sha256(manifest) };
    },
    identify(changes = {}) {
      const userData = parse(renderUserData(template, someVariables(changes))) as UserData;
      const { path, content } = userData.write_files[0]!;
      server.file(path, content);
    },
    boot: (shell) => server.run([...shell], `. ${script}`),
    call: (shell, functions) =>
      server.run([...shell], `. ${script}; ${functions}`, { REKINDLE_BOOT_SOURCED: "1" }),
  };
}

interface UserData {
  write_files: { path: string; content: string }[];
}

const same = <T>(value: T) => value;

/** As much of the AWS CLI as the boot script uses, over the files of a folder. */
function aws(bucket: string): string {
  return `service=$1
while [ $# -gt 0 ]; do
  case $1 in
    --key) key=$2 ;;
    --version-id) version=$2 ;;
    --name) name=$2 ;;
  esac
  last=$1
  shift
done
case $service in
  s3api) cp "${bucket}/$key@$version" "$last" ;;
  ssm) cat "${bucket}/ssm$name" ;;
esac`;
}
