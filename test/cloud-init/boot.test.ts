import { readlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aFile } from "../builders.ts";
import { aBootingServer, type BootingServer } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

const page = (text: string, mode = "0644") => aFile("etc/shop.conf", text, mode);

describe.each(
  shells.slice(0, 1).map((shell) => [shell.join(" "), shell] as const),
)("the boot script in %s", (_name, shell) => {
  let server: BootingServer;
  const told = () => server.told();
  beforeEach(() => {
    server = aBootingServer();
  });
  afterEach(() => server.remove());

  it("installs the pinned release with its modes, and starts the services", async () => {
    server.identify(await server.publish("r1", [page("one"), aFile("opt/run", "run", "0755")]));
    const { code, stderr } = server.boot(shell);
    expect(stderr).toBe("rekindle-boot: web runs release r1\n");
    expect(code).toBe(0);
    const contents = server.contents();
    expect(contents["etc/shop.conf"]).toBe("644 one");
    expect(contents["opt/run"]).toBe("755 run");
    expect(readlinkSync(`${server.root}/var/lib/rekindle/current`)).toBe("releases/r1");
    expect(told()).toEqual(["daemon-reload", "enable nginx.service", "restart nginx.service"]);
  });

  it("changes nothing the second time", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.boot(shell);
    const before = server.contents();
    expect(server.boot(shell).code).toBe(0);
    expect(server.contents()).toEqual(before);
    expect(told().at(-1)).toBe("start nginx.service");
  });

  it("restarts services for a changed mode alone", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.boot(shell);
    server.identify(await server.publish("r2", [page("one", "0600")]));
    server.boot(shell);
    expect(server.contents()["etc/shop.conf"]).toBe("600 one");
    expect(told().at(-1)).toBe("restart nginx.service");
  });

  it("restarts services after a run that was killed between installing and restarting", async () => {
    server.identify(await server.publish("r1", [page("one")]));
    server.program("systemctl", "exit 1");
    expect(server.boot(shell).code).not.toBe(0);
    server.program("systemctl", `echo "$*" >> "$REKINDLE_ROOT-bucket/systemctl"`);
    expect(server.boot(shell).code).toBe(0);
    expect(told().at(-1)).toBe("restart nginx.service");
  });

  it.each([
    ["a manifest of another digest", { manifest: (text: string) => `${text} ` }, "the manifest's digest is "],
    [
      "a bundle of another digest",
      { bundle: (bytes: Buffer) => Buffer.concat([bytes, bytes]) },
      "the bundle's digest is ",
    ],
    [
      "a bundle that is no gzip file",
      { bundle: () => Buffer.from("no") },
      "the bundle is no whole gzip file",
    ],
  ])("changes nothing at %s", async (_what, tampering, reason) => {
    server.identify(await server.publish("r1", [page("one")]));
    server.boot(shell);
    server.identify(await server.publish("r2", [page("two")], { tamper: tampering }));
    const before = server.contents();
    const { code, stderr } = server.boot(shell);
    expect(code).toBe(1);
    expect(stderr).toContain(`rekindle-boot: ${reason}`);
    expect(stderr).toContain("nothing was changed");
    expect(server.contents()).toEqual(before);
  });

  it("changes nothing when the pinned version is not there", async () => {
    server.identify({ ...(await server.publish("r1", [page("one")])), manifestVersion: "m2" });
    const before = server.contents();
    const { code, stderr } = server.boot(shell);
    expect(code).toBe(1);
    expect(stderr).toContain("releases/r1/manifest.json at version m2 can't be fetched");
    expect(server.contents()).toEqual(before);
  });

  it("says that the manifest knows no such role, and fetches nothing more", async () => {
    server.identify({ ...(await server.publish("r1", [page("one")])), role: "db" });
    const { code, stderr } = server.boot(shell);
    expect(code).not.toBe(0);
    expect(stderr).toBe("rekindle-boot: the manifest has no role db; nothing was changed\n");
  });

  it("switches from one release to the next in one rename", async () => {
    for (const release of ["r1", "r2"]) {
      server.identify(await server.publish(release, [page(release)]));
      server.boot(shell);
    }
    server.program("mv", `echo "$*" >> "$REKINDLE_ROOT-bucket/mv"; exec /bin/mv "$@"`);
    const { stderr } = server.call(shell, `switch_release r1; switch_release r1`);
    expect(stderr).toBe("");
    const state = `${server.root}/var/lib/rekindle`;
    expect(server.read("../root-bucket/mv")).toBe(`-T ${state}/current.new ${state}/current\n`.repeat(2));
    expect(readlinkSync(`${state}/current`)).toBe("releases/r1");
  });

  it("writes the site's servers into the hosts file once, whatever stood there", () => {
    server.call(shell, "REKINDLE_HOSTS='db-0=10.0.0.1 db=10.0.0.1'; write_hosts");
    server.call(shell, "REKINDLE_HOSTS='db-0=10.0.0.2'; write_hosts; write_hosts");
    expect(server.read("etc/hosts")).toBe(
      "127.0.0.1 localhost\n# rekindle begin\n10.0.0.2 db-0\n# rekindle end\n",
    );
  });

  it("writes the databases' endpoints", async () => {
    server.file("../root-bucket/ssm/p/endpoint", "db.example:5432\n");
    server.identify({ ...(await server.publish("r1", [page("one")])), databases: "ledger=/p/endpoint" });
    expect(server.boot(shell).code).toBe(0);
    expect(server.read("etc/rekindle/databases")).toBe("ledger=db.example:5432\n");
  });

  it("names the parameter of an endpoint that can't be read, and does not switch", async () => {
    server.identify({ ...(await server.publish("r1", [page("one")])), databases: "ledger=/p/endpoint" });
    const { code, stderr } = server.boot(shell);
    expect(code).toBe(1);
    expect(stderr).toContain("SSM parameter /p/endpoint can't be read");
    expect(server.contents()).not.toHaveProperty("etc/shop.conf");
  });
});
