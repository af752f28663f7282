/** Why nothing could be collected from a host. */
export type FailureKind =
  | "host-key-changed"
  | "host-key-unknown"
  | "no-access"
  | "timeout"
  | "refused"
  | "unknown-host"
  | "disk-full"
  | "cut-short"
  | "nothing-pushed"
  | "failed";

/** One host's failure: it is reported, and stops no other host. */
export class HostFailure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "HostFailure";
    this.kind = kind;
  }
}

/** What OpenSSH writes, from 7 on, and what an operator does about it. The first that matches counts. */
const words: [pattern: RegExp, kind: FailureKind, message: string][] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    "host-key-changed",
    "its host key changed; if it was rebuilt, run `ssh-keygen -R` for it and accept the new key, else look for who answers in its place",
  ],
  [
    /REVOKED HOST KEY|revoked host key/i,
    "host-key-changed",
    "its host key is marked as revoked; find out who answers in its place",
  ],
  [
    /Host key verification failed|No .* host key is known/i,
    "host-key-unknown",
    "its host key is not known; log in once by hand, or add it to known_hosts",
  ],
  [
    /Permission denied|Too many authentication failures|no mutual signature|Load key .*: /i,
    "no-access",
    "it gives no access; add this user's public key to the host's authorized_keys, and start an agent if the key has a passphrase",
  ],
  [
    /timed out|Timeout, server|Connection to .* timed out/i,
    "timeout",
    "it does not answer in time; look whether it is up, and at firewalls on the way",
  ],
  [/Connection refused/i, "refused", "it refuses the connection; look whether sshd runs there, on this port"],
  [
    /Could not resolve hostname|Name or service not known|No address associated/i,
    "unknown-host",
    "its name is not known; correct it, or add it to ~/.ssh/config",
  ],
  [/No space left on device|Disk quota exceeded/i, "disk-full", "its disk is full; make room there"],
  [
    /No route to host|Network is unreachable|Host is down/i,
    "refused",
    "no way leads to it; look whether it is up, and at the network",
  ],
  [
    /Connection (reset|closed)|kex_exchange_identification|Broken pipe/i,
    "refused",
    "it closed the connection; look at the log of its sshd, and at how many logins it takes at a time",
  ],
];

/** Recognises why a login or what ran after it failed. The last line stands for what nobody foresaw. */
export function recognise(stderr: string, ending: string): HostFailure {
  for (const [pattern, kind, message] of words)
    if (pattern.test(stderr)) return new HostFailure(kind, message);
  const last = stderr.trim().split(/\r?\n/).at(-1) ?? "";
  return new HostFailure("failed", last === "" ? ending : `${last.replace(/^rekindle: /, "")} (${ending})`);
}
