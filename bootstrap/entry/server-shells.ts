import type { Target } from "../drift/targets.ts";
import type { AwsAccess } from "../edges/aws/access.ts";
import type { Clock } from "../edges/clock.ts";
import { type HostShell, sshShell, ssmShell } from "../edges/hosts/host-shell.ts";

export interface ShellOptions {
  sshConfig?: string;
  timeoutMs: number;
  signal: AbortSignal;
  clock: Pick<Clock, "monotonic" | "sleep">;
}

/** How a live server's shell is reached. */
export function serverShells(access: AwsAccess, options: ShellOptions): (target: Target) => HostShell {
  const sshConfig = options.sshConfig ?? process.env.REKINDLE_SSH_CONFIG;
  return (target) =>
    target.kind === "ssh"
      ? sshShell(target.host, { ...options, sshConfig })
      : ssmShell(target.instance, target.region, access, options);
}
