import { expect, test } from "vitest";
import { recognise } from "../../bootstrap/collect/failure.ts";

/** What OpenSSH 9 writes, shortened where it is long. */
const said = [
  ["@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", "host-key-changed"],
  [
    "No ED25519 host key is known for web-1 and you have requested strict checking.\nHost key verification failed.",
    "host-key-unknown",
  ],
  ["admin@web-1: Permission denied (publickey).", "no-access"],
  ["Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", "no-access"],
  ["ssh: connect to host web-1 port 22: Connection timed out", "timeout"],
  ["Connection timed out during banner exchange", "timeout"],
  ["Timeout, server web-1 not responding.", "timeout"],
  ["ssh: connect to host web-1 port 22: Connection refused", "refused"],
  ["ssh: connect to host web-1 port 22: No route to host", "refused"],
  ["kex_exchange_identification: read: Connection reset by peer", "refused"],
  ["ssh: Could not resolve hostname web-9: Name or service not known", "unknown-host"],
  ["sh: write error: No space left on device", "disk-full"],
  ["rekindle: GNU tar is needed on this host", "failed"],
] as const;

test.each(said)("recognises: %s", (stderr, kind) => {
  expect(recognise(stderr, "ssh exited with 255").kind).toBe(kind);
});

test("gives the last line and the ending of what nobody foresaw", () => {
  expect(recognise("a banner\nodd end\n", "ssh exited with 3").message).toBe("odd end (ssh exited with 3)");
  expect(recognise("", "ssh exited with 3").message).toBe("ssh exited with 3");
});
