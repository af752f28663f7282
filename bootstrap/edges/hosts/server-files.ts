import { randomUUID } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { TreeEntry } from "../../release/tree.ts";
import type { ActingShell } from "./acting-shell.ts";
import { quote } from "./gather-script.ts";
import type { HostShell } from "./host-shell.ts";
import { entriesOf } from "./live-files.ts";
import { onServer, printed } from "./on-server.ts";
import { ownScript } from "./own-script.ts";

/** What SSM carries of one script, packed twice. */
const pieceCharacters = 20_000;
const folder = "/var/lib/rekindle";

/** A live server's files, read and replaced through its shell, as root. */
export function serverFiles(server: string, shell: HostShell, acting: ActingShell) {
  const act = (script: string) => onServer(server, async () => printed(await acting(script)));
  return {
    name: server,
    isLive: true,
    async read(paths: readonly string[]): Promise<TreeEntry[]> {
      const packed = await onServer(server, async () => printed(await shell(readScript(paths))));
      return packed === "" ? [] : entriesOf(server, gunzipSync(Buffer.from(packed, "base64")));
    },
    async put(role: string, entries: readonly TreeEntry[]): Promise<string | undefined> {
      const id = randomUUID();
      // The acting shell sweeps what is left of a run that was killed.
      const payload = `${folder}/acts/files-${id}`;
      const text = packed({ role, entries: entries.map(described) });
      for (let at = 0; at < text.length; at += pieceCharacters)
        await act(`umask 077\nprintf %s '${text.slice(at, at + pieceCharacters)}' >>${payload}\n`);
      const said = await act(
        `exec python3 -IS -X utf8 -c ${quote(ownScript("put-files.py"))} ${payload} ${folder}/replaced/${id}\n`,
      );
      return (JSON.parse(said) as { kept: string | null }).kept ?? undefined;
    },
  };
}

function readScript(paths: readonly string[]): string {
  const options = "--create --file=- --no-recursion --hard-dereference --format=pax --verbatim-files-from";
  return `[ "$(id -u)" -eq 0 ] || { echo "files are restored by root; let this user be root without a password" >&2; exit 3; }
cd / || exit 3
there=$(for path in ${paths.map((path) => quote(`./${path}`)).join(" ")}; do
  if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\\n' "$path"; fi
done)
[ -n "$there" ] || exit 0
printf '%s\\n' "$there" | LC_ALL=C tar ${options} --files-from=- 2>/dev/null | gzip -c | base64 -w 0
`;
}

function described(entry: TreeEntry) {
  return entry.kind === "file" ? { ...entry, content: Buffer.from(entry.content).toString("base64") } : entry;
}

function packed(value: object): string {
  return gzipSync(JSON.stringify(value)).toString("base64");
}
