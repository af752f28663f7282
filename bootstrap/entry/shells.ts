import type { ShellOf } from "../commands/snapshot-context.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import { systemClock } from "../edges/clock.ts";
import { sshShell, ssmShell } from "../edges/hosts/host-shell.ts";

/** The frozen window waits for the end of two commands: each look costs one call. */
const pollMs = 100;
/** Who does not begin by then must not begin at all: nobody would thaw any more. */
const deliveryMs = 30_000;

/** How the servers of a region are reached to make their data quiet. */
export function shellsOf(region: string, access: AwsAccess, sshConfig?: string): ShellOf {
  // The user's wish to stop must not keep a server frozen: nothing ends these but their time.
  const { signal } = new AbortController();
  return (server, via, timeoutMs) =>
    via === "ssh"
      ? sshShell(server.server, { timeoutMs, signal, sshConfig })
      : ssmShell(server.instanceId, region, access, {
          timeoutMs,
          signal,
          clock: systemClock,
          pollMs,
          deliveryMs,
        });
}
