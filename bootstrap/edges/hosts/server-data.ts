import { type DataInUse, readLook } from "../../restore/data-in-use.ts";
import type { ActingShell } from "./acting-shell.ts";
import { quote } from "./gather-script.ts";
import type { HostShell } from "./host-shell.ts";
import { onServer, printed, wordsOf } from "./on-server.ts";
import { shippedScript } from "./shipped-script.ts";

/** A live server's data, as `data-volumes.sh` handles it there. What acts may be called again. */
export interface ServerData {
  /** Changes nothing. `since` is in ISO 8601. */
  look(since: string): Promise<DataInUse>;
  /** Stops what uses the data, unmounts it and takes it apart. Gives what was stopped beside the role's services. */
  release(): Promise<string[]>;
  /** Mounts what is attached now, starts what was stopped, and asks the role's health check: rekindle-boot does it. */
  resume(): Promise<void>;
  /** Mounts other disks with the same data read-only in a folder. */
  openBeside(folder: string, devices: readonly string[]): Promise<void>;
  closeBeside(folder: string, devices: readonly string[]): Promise<void>;
}

export function serverData(server: string, shell: HostShell, acting: ActingShell): ServerData {
  const act = (...words: string[]) =>
    onServer(server, async () => {
      const answer = await acting(calling(words));
      printed(answer);
      return wordsOf(answer.stderr);
    });
  return {
    look: (since) =>
      onServer(server, async () =>
        readLook(printed(await shell(calling(["look", String(Date.parse(since) / 1000)])))),
      ),
    release: () => act("release"),
    resume: async () => void (await act("resume")),
    openBeside: async (folder, devices) => void (await act("open_beside", folder, ...devices)),
    closeBeside: async (folder, devices) => void (await act("close_beside", folder, ...devices)),
  };
}

/** Its programs must not read what is left of the script. */
function calling(words: readonly string[]): string {
  return `${shippedScript("data-volumes.sh")}\n${words.map(quote).join(" ")} </dev/null\n`;
}
