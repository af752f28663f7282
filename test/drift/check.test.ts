import { describe, expect, test } from "vitest";
import { readCheck } from "../../bootstrap/drift/check.ts";

const asked = { environment: "shop", role: "web" };
const mode = { path: "/etc/a", kind: "mode", expected: "0644", found: "0600" };
const anAnswer = (changes: Record<string, unknown> = {}) => ({
  version: 1,
  ...asked,
  server: "web-0",
  release: "r1",
  drift: [],
  services: [],
  ...changes,
});
const read = (answer: unknown, code = 0, stderr = "") =>
  readCheck({ code, stdout: typeof answer === "string" ? answer : JSON.stringify(answer), stderr }, asked);

describe("a check's answer", () => {
  test("tells how a server differs from its release", () => {
    expect(read(anAnswer({ drift: [mode] }), 1)).toEqual({ server: "web-0", release: "r1", drift: [mode] });
    expect(read(anAnswer())).toEqual({ server: "web-0", release: "r1", drift: [] });
  });

  test("counts a service that does not run, or will not after a restart", () => {
    const service = (active: string, enabled: string) => ({ unit: "a.service", active, enabled });
    const differences = (active: string, enabled: string) =>
      read(anAnswer({ services: [service(active, enabled)] })).drift.map(
        ({ path, kind, expected, found }) => `${path} ${kind} ${expected} ${found}`,
      );
    expect(differences("failed", "enabled")).toEqual(["a.service service active failed"]);
    expect(differences("active", "disabled")).toEqual(["a.service service enabled disabled"]);
    expect(differences("activating", "static")).toEqual([]);
    expect(differences("unknown", "unknown")).toEqual([]);
  });
});

describe("nothing was looked at when the check", () => {
  test.for<[string, () => unknown, string]>([
    ["failed", () => read("", 2, "rekindle-boot: it was never booted"), "it was never booted"],
    ["failed without a word", () => read("", 137), "its check exited with 137"],
    ["said nothing", () => read(""), 'can\'t be read: ""'],
    ["said something else", () => read("Last login: today\n{}"), 'can\'t be read: "Last login: today"'],
    ["has another version", () => read(anAnswer({ version: 2 })), "use the Rekindle that baked its image"],
    ["is another role's", () => read(anAnswer({ role: "db" })), 'of role "db" and not "web"'],
    [
      "is another environment's",
      () => read(anAnswer({ environment: "ledger" })),
      'of environment "ledger" and not "shop"',
    ],
    ["says no drift, and exits with 1", () => read(anAnswer(), 1), "exited with 1 and tells 0 differences"],
    [
      "says drift, and exits with 0",
      () => read(anAnswer({ drift: [mode] })),
      "exited with 0 and tells 1 differences",
    ],
  ])("%s", ([, check, message]) => {
    expect(check).toThrow(message);
  });
});
