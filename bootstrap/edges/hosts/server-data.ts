import type { Role } from "../../config/schema.ts";
import { type DataInUse, readLook } from "../../restore/data-in-use.ts";
import type { ActingShell } from "./acting-shell.ts";
import { quote } from "./gather-script.ts";
import type { HostShell } from "./host-shell.ts";
import { onServer, printed, wordsOf } from "./on-server.ts";
import { ownScript } from "./own-script.ts";

/** A live server's data, as its scripts handle it there. What acts may be called again. */
export interface ServerData {
  /** Changes nothing. `since` is in ISO 8601. */
  look(since: string): Promise<DataInUse>;
  /** Stops what uses the data, unmounts it and takes it apart. Gives what was stopped beside the role's services. */
  release(): Promise<string[]>;
  /** Mounts what is attached now, starts what was stopped, and asks the role's health check: rekindle-boot does it. */
  resume(): Promise<void>;
  /** Mounts other volumes with the same kind of data read-only in a folder. */
  openBeside(folder: string, layout: Storage["layout"], volumes: readonly AttachedVolume[]): Promise<void>;
  closeBeside(folder: string): Promise<void>;
}

export interface AttachedVolume {
  id: string;
  device: string;
}

type Storage = NonNullable<Role["storage"]>;

export function serverData(server: string, shell: HostShell, acting: ActingShell): ServerData {
  const act = (script: string) =>
    onServer(server, async () => {
      const answer = await acting(script);
      printed(answer);
      return wordsOf(answer.stderr);
    });
  return {
    look: (since) =>
      onServer(server, async () =>
        readLook(printed(await shell(calling("look", String(Date.parse(since) / 1000))))),
      ),
    release: () => act(calling("release")),
    resume: async () => void (await act(calling("resume"))),
    openBeside: async (...words) => void (await act(openingBeside(...words))),
    closeBeside: async (folder) =>
      void (await act(`${ownScript("beside.sh")}away ${quote(folder)} </dev/null\n`)),
  };
}

/** The kernel may see a volume a little later than it is attached. */
function openingBeside(
  folder: string,
  layout: Storage["layout"],
  volumes: readonly AttachedVolume[],
): string {
  const kinds = { single: "single", striped: "md", lvm: "lvm" };
  const named = volumes.map(({ device, id }) => quote(`${device}=${id}`)).join(" ");
  return `${ownScript("disks.sh")}${ownScript("beside.sh")}
! mountpoint -q ${quote(folder)} || exit 0
disks=
for volume in ${named}; do
  for try in $(seq 60); do disk=$(disk_of "$volume") && break; sleep 1; done
  [ -n "$disk" ] || die "volume \${volume#*=} did not appear within 60 s"
  disks="$disks $disk"
done
beside ${kinds[layout]} ${quote(folder)} ro $disks </dev/null
`;
}

/** Its programs must not read what is left of the script. */
function calling(...words: string[]): string {
  return `${ownScript("data-volumes.sh")}\n${words.map(quote).join(" ")} </dev/null\n`;
}
