import { durationSeconds } from "../../config/duration.ts";
import type { Freeze } from "../../config/quiesce-schema.ts";
import { type Layout, readLayout } from "../../recovery/layout.ts";
import { readTold, type Told } from "../../recovery/told.ts";
import { quote } from "./gather-script.ts";
import type { HostShell } from "./host-shell.ts";
import { ownScript } from "./own-script.ts";

/** One hold on one server's data, for the time that its volumes are snapshotted. */
export interface Hold {
  /** No two holds have the same: a script that is run twice freezes once. */
  id: string;
  quiesce: Freeze;
  /** The server that boots from the copy as the primary, when this one is its read replica. */
  primary?: string;
  /** Where the role's data is mounted. */
  mount: string;
  /** By the names that the role gives them, as EC2 attached them. */
  volumes: readonly { name: string; device: string; volumeId: string }[];
}

/** Makes a server's data quiet, lets it go on, and looks how its volumes are put together. */
export interface Quiescer {
  freeze(): Promise<Told>;
  thaw(): Promise<Told>;
  layout(): Promise<Layout | undefined>;
}

/** What may be written out before the freeze, and for how long that and all after it may take. In milliseconds. */
export function freezeTimeoutMs({ limit }: Freeze): number {
  return 660_000 + 1000 * durationSeconds(limit);
}

export const thawTimeoutMs = 150_000;

/** `shell` takes how long a script may run. Its patience must not end with the user's: what is frozen must be thawed. */
export function quiescer(shell: (timeoutMs: number) => HostShell, hold: Hold): Quiescer {
  const ask = async (verb: "freeze" | "thaw", timeoutMs: number) => {
    const { code, stdout, stderr } = await shell(timeoutMs)(quiesceScript(verb, hold));
    if (code === 0) return readTold(stdout);
    throw new Error(stderr || `its script ended with ${code}`);
  };
  return {
    freeze: () => ask("freeze", freezeTimeoutMs(hold.quiesce)),
    thaw: () => ask("thaw", thawTimeoutMs),
    async layout() {
      const { code, stdout } = await shell(thawTimeoutMs)(layoutScript(hold));
      return code === 0 ? readLayout(stdout) : undefined;
    },
  };
}

export function quiesceScript(verb: "freeze" | "thaw", hold: Hold): string {
  const { id, quiesce, primary, mount, volumes } = hold;
  const settings: Record<string, string | number | undefined> = {
    text: `${ownScript("disks.sh")}${ownScript("quiesce.sh")}main "$@"\n`,
    hold: id,
    primary,
    mount,
    disks: volumes.map(({ device, volumeId }) => `${device}=${volumeId}`).join(" "),
    user: "",
    host: "",
    port: "",
    mode: "",
    defaults: "",
    before: "",
    after: "",
    ...quiesce,
    limit: durationSeconds(quiesce.limit),
    replica: "replica" in quiesce && quiesce.replica !== undefined ? "yes" : "no",
  };
  const exported = Object.entries(settings).map(([name, value]) => `${name}=${quote(String(value ?? ""))}`);
  return `${exported.join("\n")}\nexport ${Object.keys(settings).join(" ")}\nexec sh -c "$text" rekindle-quiesce ${verb}\n`;
}

export function layoutScript({ mount, volumes }: Hold): string {
  const words = [mount, ...volumes.map(({ name, device, volumeId }) => `${name}:${device}=${volumeId}`)];
  return `${ownScript("disks.sh")}${ownScript("layout.sh")}main ${words.map(quote).join(" ")}\n`;
}
