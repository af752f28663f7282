import { extract } from "tar-stream";
import { recognise } from "../../collect/failure.ts";
import { RekindleError } from "../../errors.ts";
import type { Manifest } from "../../release/manifest.ts";
import { byCodePoint, type TreeEntry } from "../../release/tree.ts";
import { describeEnding, runForBytes } from "../process.ts";
import { quote } from "./gather-script.ts";
import type { Patience } from "./source.ts";
import { sshArguments } from "./ssh.ts";

/** A live server, looked at path by path. */
export interface LiveServer {
  /** The manifest of the release that it runs; nothing on a server that runs none. */
  manifest(): Promise<Manifest | undefined>;
  /** What lies at these paths, without their leading slashes; what is not there is left out. */
  read(paths: readonly string[]): Promise<TreeEntry[]>;
}

/** Where the boot script keeps it. */
const manifestFile = "/var/lib/rekindle/current/manifest.json";

/** Words before a program that let it read everything; a user that may not be root reads what it can. */
const elevated =
  'as_root=; if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then as_root="sudo -n"; fi\n';

export function sshServer(
  host: string,
  { sshConfig, ...patience }: Patience & { sshConfig?: string | undefined },
): LiveServer {
  const answer = (input: string) => runForBytes("ssh", sshArguments(host, sshConfig), { ...patience, input });
  return {
    async manifest() {
      const file = quote(manifestFile);
      const script = `${elevated}if $as_root test -e ${file}; then exec $as_root cat ${file}; fi\n`;
      const { ending, stdout, stderr } = await answer(script);
      if (ending.kind !== "exited" || ending.code !== 0)
        throw unreadable(host, stderr, describeEnding(ending));
      if (stdout.length === 0) return undefined;
      try {
        return JSON.parse(stdout.toString()) as Manifest;
      } catch (cause) {
        throw new RekindleError(
          "tool-failed",
          `${manifestFile} of host ${host} is no JSON; look at it there, or boot the server again`,
          { cause },
        );
      }
    },
    async read(paths) {
      if (paths.length === 0) return [];
      const options =
        "--create --file=- --no-recursion --hard-dereference --format=pax --directory=/ --verbatim-files-from";
      const list = paths.map((path) => `./${path}\n`).join("");
      // The script is read from standard input, and so are the names.
      const script = `${elevated}exec $as_root env LC_ALL=C tar ${options} --files-from=- <<'${mark(list)}'\n${list}${mark(list)}\n`;
      const { ending, stdout, stderr } = await answer(script);
      const isRead = ending.kind === "exited" && [0, 2].includes(ending.code);
      // Tar exits with 2 for a path that is not there, and for one that it may not read: only its words tell which.
      if (!isRead || !isOnlyMissing(stderr, ending.code))
        throw unreadable(host, complaints(stderr).join("\n") || stderr, describeEnding(ending));
      return await entriesOf(host, stdout);
    },
  };
}

/** A line that no path is. */
function mark(list: string): string {
  let word = "REKINDLE";
  while (list.includes(`${word}\n`)) word += "_";
  return word;
}

function isOnlyMissing(stderr: string, code: number): boolean {
  return code === 0 || (/No such file|Not a directory/.test(stderr) && complaints(stderr).length === 0);
}

function complaints(stderr: string): string[] {
  const harmless =
    /: Cannot stat: (No such file or directory|Not a directory)$|Exiting with failure status due to/;
  return stderr.split("\n").filter((line) => /^(\/\S*\/)?tar: /.test(line) && !harmless.test(line));
}

/** What a host's own tar holds. */
export async function entriesOf(host: string, tar: Buffer): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const archive = extract();
  archive.end(tar);
  try {
    for await (const part of archive) {
      const { name, type, mode = 0, uname, gname, uid, gid, linkname } = part.header;
      const chunks: Buffer[] = [];
      for await (const chunk of part) chunks.push(chunk as Buffer);
      const owned = {
        path: name.replace(/^\.\//, "").replace(/\/$/, ""),
        // By number where the host has no name, as files.yaml has it.
        owner: uname || String(uid ?? 0),
        group: gname || String(gid ?? 0),
      };
      const octal = mode.toString(8).padStart(4, "0");
      if (type === "file")
        entries.push({
          kind: "file",
          ...owned,
          mode: octal,
          content: Buffer.concat(chunks),
          template: false,
        });
      else if (type === "symlink") entries.push({ kind: "link", ...owned, target: linkname ?? "" });
      else if (type === "directory") entries.push({ kind: "directory", ...owned, mode: octal });
      else throw new TypeError(`/${owned.path} is a ${type} there, which no release holds`);
    }
  } catch (cause) {
    throw new RekindleError(
      "tool-failed",
      `what host ${host} sent can't be read: ${(cause as Error).message}; look at it there (a shell must print nothing when it logs in)`,
      { cause },
    );
  }
  return entries.sort((a, b) => byCodePoint(a.path, b.path));
}

function unreadable(host: string, stderr: string, ending: string): RekindleError {
  return new RekindleError(
    "unreachable",
    `host ${host} could not be read: ${recognise(stderr, ending).message}`,
  );
}
