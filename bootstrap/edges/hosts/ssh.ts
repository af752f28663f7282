import { gatherScript } from "./gather-script.ts";
import { gatherBy, type Patience, type Source } from "./source.ts";

/**
 * A host that the system's OpenSSH client reaches: names, keys, agents and jump hosts are what its configuration says.
 * It never asks anything, forwards nothing, and keeps no connection for later.
 */
export function sshSource(host: string, patience: Patience & { sshConfig?: string | undefined }): Source {
  return {
    host,
    isLive: true,
    gather: (selected, consume) =>
      gatherBy("ssh", sshArguments(host, patience.sshConfig), gatherScript(selected), patience, consume),
  };
}

export function sshArguments(host: string, sshConfig?: string): string[] {
  const settings = [
    "BatchMode=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=2",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RemoteCommand=none",
    // One that is there is used; one that stays behind would hold our pipes.
    "ControlMaster=no",
  ];
  // One colon is a port; more are an IPv6 address.
  const [, name, port] = /^([^:]+):(\d+)$/.exec(host) ?? [undefined, host, undefined];
  return [
    ...(sshConfig === undefined ? [] : ["-F", sshConfig]),
    ...settings.flatMap((setting) => ["-o", setting]),
    ...(port === undefined ? [] : ["-p", port]),
    "-T",
    "--",
    name!,
    // Whatever shell logs in understands this, and reads no more of the line.
    "exec sh -s",
  ];
}
