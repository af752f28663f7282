import { chmodSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostFailure } from "../../bootstrap/collect/failure.ts";
import { type DriftContext, lookForDrift } from "../../bootstrap/commands/drift.ts";
import { driftFailure } from "../../bootstrap/drift/report.ts";
import { shellBy } from "../../bootstrap/edges/hosts/host-shell.ts";
import { RekindleError } from "../../bootstrap/errors.ts";
import { aFile, primary, recovery } from "../builders.ts";
import { aBootingServer, type BootingServer } from "../cloud-init/booting-server.ts";

/** The real boot script, run by the real way to a shell, on a server that has booted a release. */
describe("drift", () => {
  let server: BootingServer;
  beforeEach(async () => {
    server = aBootingServer();
    server.program("rekindle-boot", `exec sh ${resolve("cloud-init/boot")} "$@"`);
    const tree = [aFile("etc/a.conf", "a"), aFile("etc/b.conf", "b")];
    server.identify(await server.publish("r1", tree));
    expect(server.boot(["sh"]).code).toBe(0);
  });
  afterEach(() => server.remove());

  const shell = () =>
    shellBy(
      "env",
      [`PATH=${server.root}/../bin:${process.env.PATH}`, `REKINDLE_ROOT=${server.root}`, "sh", "-s"],
      {
        timeoutMs: 20_000,
        signal: new AbortController().signal,
      },
    );
  const look = (changes: Partial<DriftContext> = {}) =>
    lookForDrift({
      environment: "shop",
      sources: new Map([["web", [{ ssh: "web-0" }]]]),
      regions: [],
      connect: shell,
      jobs: 2,
      ...changes,
    });
  const failing = (error: Error) => () => async () => {
    throw error;
  };

  it("is none on a server that is as its release, and looking changes nothing", async () => {
    const before = server.contents();
    const report = await look();
    expect(report.servers).toEqual([
      {
        role: "web",
        name: "web-0",
        kind: "ssh",
        host: "web-0",
        outcome: "none",
        server: expect.any(String),
        release: "r1",
        drift: [],
      },
    ]);
    expect(driftFailure(report)).toBeUndefined();
    expect(server.contents()).toEqual(before);
  });

  it("names each path that differs, and fails", async () => {
    server.file("etc/a.conf", "changed by hand");
    chmodSync(`${server.root}/etc/b.conf`, 0o600);
    const report = await look();
    const [found] = report.servers;
    expect(found).toMatchObject({
      outcome: "drift",
      drift: [
        { path: "/etc/a.conf", kind: "content" },
        { path: "/etc/b.conf", kind: "mode", expected: "0644", found: "0600" },
      ],
    });
    expect(driftFailure(report)).toMatchObject({
      kind: "failed-check",
      message: "shop: 1 of 1 servers differ from their release",
    });
  });

  it("counts a service that does not run", async () => {
    server.program("systemctl", "case $1 in is-active) echo failed; exit 3 ;; *) echo enabled ;; esac");
    expect((await look()).servers).toMatchObject([
      { outcome: "drift", drift: [{ path: "nginx.service", kind: "service", found: "failed" }] },
    ]);
  });

  it.each([
    [
      "a host that gives no answer",
      failing(new HostFailure("timeout", "it does not answer")),
      "it does not answer",
    ],
    ["a region that does not", failing(new RekindleError("unreachable", "AWS is gone")), "AWS is gone"],
    ["a call that AWS refuses", failing(Object.assign(new Error("denied"), { $metadata: {} })), "denied"],
  ])("is not known of %s, which stops no other", async (_what, connect, message) => {
    const sources = new Map([["web", [{ ssh: "web-0" }, { ssh: "web-1" }]]]);
    const report = await look({
      sources,
      connect: (target) => (target.name === "web-0" ? connect() : shell()),
    });
    expect(report.servers.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      "web-0 could-not-look",
      "web-1 none",
    ]);
    expect(report.servers[0]).toMatchObject({ failure: { message } });
    expect(driftFailure(report)?.message).toBe("shop: 1 of 2 servers could not be looked at");
  });

  it("does not hide a fault of its own as a server's", async () => {
    await expect(look({ connect: failing(new TypeError("a bug")) })).rejects.toThrow("a bug");
  });

  it.each([
    ["has no boot script", () => server.program("rekindle-boot", "exit 127"), "exited with 127"],
    ["has no identity", () => server.file("etc/rekindle/identity", ""), "REKINDLE_RELEASE"],
    ["never unpacked its release", () => server.identify({ release: "r9" }), "r9 was never unpacked"],
    ["is another role's", () => server.identify({ role: "db", release: "r1" }), "no role db"],
  ])("is not known of a server that %s", async (_what, change, message) => {
    change();
    const { servers } = await look();
    expect(servers).toMatchObject([
      { outcome: "could-not-look", failure: { message: expect.stringContaining(message) } },
    ]);
  });

  it("finds instances in every region, and is not known where one does not answer", async () => {
    const instance = { instance: "i-1", region: recovery, role: "web", server: "web" };
    const gone = new RekindleError("unreachable", "AWS does not answer");
    const report = await look({
      sources: new Map([["web", []]]),
      regions: [
        { region: recovery, liveServers: async () => [instance] },
        { region: primary, liveServers: () => Promise.reject(gone) },
      ],
    });
    expect(report.servers).toMatchObject([{ kind: "ssm", instance: "i-1", outcome: "none" }]);
    expect(report.unlisted).toEqual([{ region: primary, message: "AWS does not answer" }]);
    expect(driftFailure(report)?.message).toContain(`which servers region ${primary} has is not known`);
  });

  it("fails where no server was found: nothing was looked at", async () => {
    const none = await look({ sources: new Map([["web", []]]) });
    expect(driftFailure(none)?.message).toContain("no live server of shop was found");
    const pushing = await look({ sources: new Map([["web", [{ inbox: "far-1" }]]]) });
    expect(driftFailure(pushing)?.message).toContain("no live server of shop could be asked");
  });

  it("looks at no more servers at a time than it is told", async () => {
    let [now, most] = [0, 0];
    const sources = new Map([["web", Array.from({ length: 9 }, (_, index) => ({ ssh: `web-${index}` }))]]);
    await look({
      sources,
      jobs: 3,
      connect: () => async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        throw new HostFailure("failed", "no");
      },
    });
    expect(most).toBe(3);
  });
});
