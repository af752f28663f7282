import { execFileSync } from "node:child_process";
import { lstatSync, readlinkSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile } from "../builders.ts";
import { aBootingServer, type BootingServer } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

const shell = shells[0]!;
let server: BootingServer;
beforeEach(() => {
  server = aBootingServer();
});
afterEach(() => server.remove());

const owned = { owner: "root", group: "root" };
const link = (path: string, target: string): TreeEntry => ({ kind: "link", path, target, ...owned });
const folder = (path: string, mode = "0755"): TreeEntry => ({ kind: "directory", path, mode, ...owned });
const template = (path: string, text: string, mode = "0640") =>
  ({ ...aFile(path, text, mode), template: true }) as TreeEntry;
const at = (path: string) => `${server.root}/${path}`;

async function run(release: string, tree: TreeEntry[], change?: Parameters<BootingServer["publish"]>[2]) {
  server.identify(await server.publish(release, tree, change));
  return server.boot(shell);
}

describe("a boot", () => {
  test("puts links, directories and modes as the release has them", async () => {
    await run("r1", [
      aFile("etc/a/b.conf", "b", "0640"),
      folder("etc/a/conf.d", "2775"),
      link("etc/a/c.conf", "/etc/a/b.conf"),
    ]);
    expect(readlinkSync(at("etc/a/c.conf"))).toBe("/etc/a/b.conf");
    expect(statSync(at("etc/a/conf.d")).mode & 0o7777).toBe(0o2775);
    expect(statSync(at("etc/a/b.conf")).mode & 0o7777).toBe(0o640);
    expect(statSync(at("etc/a")).mode & 0o7777).toBe(0o755);
  });

  test.runIf(process.getuid?.() === 0)("gives files to their owners, by name and by number", async () => {
    const nobody = { owner: "nobody", group: "daemon" };
    await run("r1", [
      { ...aFile("etc/a", "a"), ...nobody },
      { ...aFile("etc/b", "b"), owner: "4711", group: "4712" },
    ]);
    const ids = (name: string) => Number(execFileSync("id", ["-u", name], { encoding: "utf8" }));
    expect(lstatSync(at("etc/a")).uid).toBe(ids("nobody"));
    expect(lstatSync(at("etc/b"))).toMatchObject({ uid: 4711, gid: 4712 });
  });

  test("changes nothing when an owner is not there", async () => {
    await run("r1", [aFile("etc/a", "one")]);
    const { code, stderr } = await run("r2", [{ ...aFile("etc/a", "two"), owner: "no-such-user" }]);
    expect(stderr).toContain(
      "/etc/a belongs to user no-such-user, which this server does not have; nothing was changed",
    );
    expect(code).toBe(1);
    expect(server.read("etc/a")).toBe("one");
    expect(readlinkSync(at("var/lib/rekindle/current"))).toBe("releases/r1");
  });

  test("takes away what the release before had, and nothing else", async () => {
    server.file("etc/a/own", "the server's own");
    await run("r1", [
      aFile("etc/a/old", "x"),
      link("etc/a/link", "old"),
      folder("etc/a/empty"),
      folder("etc/a/used"),
    ]);
    server.file("etc/a/used/own", "the server's own");
    await run("r2", [aFile("etc/a/new", "y")]);
    const left = Object.keys(server.contents()).filter((path) => path.startsWith("etc/a"));
    expect(left).toEqual(["etc/a/new", "etc/a/own", "etc/a/used/own"]);
    expect(() => lstatSync(at("etc/a/link"))).toThrow();
    expect(() => lstatSync(at("etc/a/empty"))).toThrow();
  });

  test("restarts what reads the changed files, and only that", async () => {
    const duties = { services: ["nginx.service", "app.service"] };
    const source = { restartedBy: (path: string) => (path === "etc/app" ? ["app.service"] : undefined) };
    const tree = (app: string, all: string) => [aFile("etc/app", app), aFile("etc/all", all)];
    await run("r1", tree("1", "1"), { duties, source });
    const since = server.told().length;
    await run("r2", tree("2", "1"), { duties, source });
    expect(server.told().slice(since).slice(-2)).toEqual(["start nginx.service", "restart app.service"]);
    await run("r3", tree("2", "2"), { duties, source });
    expect(server.told().slice(-2)).toEqual(["restart nginx.service", "restart app.service"]);
  });

  test("puts a directory where a file or a link was, and the other way round", async () => {
    const tree = [link("etc/a", "x"), aFile("etc/b", "b"), folder("etc/c"), aFile("etc/d/e", "e")];
    await run("r1", tree);
    const other = [folder("etc/a"), folder("etc/b"), aFile("etc/c", "c"), aFile("etc/d", "d")];
    expect(await run("r2", other)).toMatchObject({ code: 0 });
    expect(lstatSync(at("etc/a")).isDirectory() && lstatSync(at("etc/b")).isDirectory()).toBe(true);
    expect(server.read("etc/c") + server.read("etc/d")).toBe("cd");
    expect(await run("r3", tree)).toMatchObject({ code: 0 });
    expect(server.read("etc/d/e")).toBe("e");
  });

  test("unpacks a release anew of which something on the server has changed", async () => {
    await run("r1", [aFile("etc/a", "one"), aFile("etc/b", "b")]);
    server.file("var/lib/rekindle/releases/r1/files/etc/a", "by hand");
    server.call(shell, 'rm "$state"/releases/r1/files/etc/b "$root"/etc/b');
    expect(server.boot(shell)).toMatchObject({ code: 0 });
    expect([server.read("etc/a"), server.read("etc/b")]).toEqual(["one", "b"]);
  });

  test("takes away what a killed run of another release had put beside a file", async () => {
    await run("r1", [aFile("etc/a", "one")]);
    server.file("etc/a.rekindle-new", "two");
    server.boot(shell);
    expect(server.contents()).not.toHaveProperty("etc/a.rekindle-new");
  });

  test("says which step ended it, when nothing else does", async () => {
    server.call(shell, 'rm "$root/etc/hosts"; mkdir "$root/etc/hosts"');
    const { code, stderr } = await run("r1", [aFile("etc/a", "one")]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/rekindle-boot: step write_hosts ended with \d+/);
    expect(server.report()).toMatchObject({ message: expect.stringMatching(/^step write_hosts ended/) });
  });

  test("changes nothing where a program is not there that the role needs", async () => {
    const pins = await server.publish("r1", [aFile("etc/a", "one")]);
    server.identify(pins);
    const { stderr } = server.boot(shell, "", 'command() { [ "$2" != curl ]; };');
    expect(stderr).toContain("this server has no curl, which its role needs; nothing was changed");
    expect(server.contents()).not.toHaveProperty("etc/a");
  });

  test("waits for another one that is running", async () => {
    await run("r1", [aFile("etc/a", "one")]);
    server.program("flock", "exit 1");
    expect(server.boot(shell).stderr).toContain("another rekindle-boot has been running for 10 minutes");
  });

  test("mends a file that someone changed on the server", async () => {
    await run("r1", [aFile("etc/a", "one")]);
    server.file("etc/a", "by hand", 0o777);
    server.boot(shell);
    expect(server.contents()["etc/a"]).toBe("644 one");
    expect(server.report()).toMatchObject({ outcome: "healthy" });
  });
});

describe("a template", () => {
  test("is filled in with variables, parameters, secrets and endpoints, for its owner only", async () => {
    server.bucket("ssm/shop/mode", "fast");
    server.bucket("secrets/rekindle/web/db", '{"password": "s3cr3t-of-db"}');
    server.bucket("ssm/p/endpoint", "db.example:5432\n");
    const text =
      "{{server}} {{role}} {{database.ledger}} {{ssm:/shop/mode}} {{secret:rekindle/web/db#password}}\n";
    const pins = await server.publish("r1", [template("etc/app.env", text)]);
    server.identify({ ...pins, databases: "ledger=/p/endpoint" });
    const { code, stdout, stderr } = server.boot(shell);
    expect(stderr).toBe("rekindle-boot: web runs release r1\n");
    expect(code).toBe(0);
    expect(server.contents()["etc/app.env"]).toBe("640 web web db.example:5432 fast s3cr3t-of-db\n");
    expect(stdout + stderr + JSON.stringify(server.report())).not.toContain("s3cr3t");
    expect(server.read("../root-bucket/calls")).not.toContain("s3cr3t");
    expect(statSync(at("var/lib/rekindle/releases/r1/rendered")).mode & 0o777).toBe(0o700);
  });

  test("has a database's user and password from the secret that RDS keeps", async () => {
    server.bucket("ssm/p/endpoint", "db.example:5432\n");
    server.bucket("ssm/p/secret", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1\n");
    server.bucket(
      "secrets/arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1",
      '{"username": "keeper", "password": "s3:cr\\\\3t"}',
    );
    const text = "{{database.ledger.username}} {{ database.ledger.password }}\n";
    const pins = await server.publish("r1", [template("etc/login", text)]);
    server.identify({ ...pins, databases: "ledger=/p/endpoint" });
    expect(server.boot(shell).code).toBe(0);
    expect(server.contents()["etc/login"]).toBe("640 keeper s3:cr\\3t\n");
  });

  test.for([
    ["a database that is not there", "{{database.other.password}}", "there is no database other"],
    ["an unknown variable", "{{sever}}", "it is no variable, parameter or secret"],
    ["a parameter that is not there", "{{ssm:/none}}", "ParameterNotFound"],
    ["a secret that is not there", "{{secret:none}}", "ResourceNotFound"],
  ])("with %s leaves the server as it was", async ([, text, reason]) => {
    await run("r1", [aFile("etc/app.env", "one")]);
    const { code, stderr } = await run("r2", [template("etc/app.env", text!)]);
    expect(stderr).toContain(`/etc/app.env: ${text} can't be filled in: `);
    expect(stderr).toContain(reason);
    expect(code).toBe(1);
    expect(server.read("etc/app.env")).toBe("one");
  });

  test("takes numbers from a secret, and keeps bytes that are no UTF-8", async () => {
    server.bucket("secrets/s", '{"port": 5432, "tls": true}');
    const bytes = Buffer.concat([Buffer.from("{{secret:s#port}} {{secret:s#tls}} "), Buffer.from([0xe4])]);
    await run("r1", [{ ...aFile("etc/t", ""), content: bytes, template: true } as TreeEntry]);
    expect(server.contents()["etc/t"]).toBe("644 5432 true \xe4");
  });

  test("alone is filled in: other files may hold braces", async () => {
    await run("r1", [aFile("etc/a", "{{sever}}")]);
    expect(server.read("etc/a")).toBe("{{sever}}");
  });
});

describe("a release that does not get healthy", () => {
  const sick = 'grep -q good "$REKINDLE_ROOT/etc/shop.conf"';

  test("gives way to the last healthy one, and says so", async () => {
    server.program("curl", sick);
    await run("r1", [aFile("etc/shop.conf", "good")]);
    const { code, stderr } = await run("r2", [aFile("etc/shop.conf", "bad"), aFile("etc/extra", "x")]);
    expect(code).toBe(1);
    expect(stderr).toContain("release r2 is not healthy; going back to r1");
    expect(stderr).toContain(
      "release r2 was not healthy (role web was not healthy (http 80 /healthz) within 2 s); release r1 runs again",
    );
    expect(server.read("etc/shop.conf")).toBe("good");
    expect(server.contents()).not.toHaveProperty("etc/extra");
    expect(readlinkSync(at("var/lib/rekindle/current"))).toBe("releases/r1");
    expect(server.told().at(-1)).toBe("restart nginx.service");
    expect(server.report()).toMatchObject({
      outcome: "rolled-back",
      release: "r1",
      pinned: "r2",
      previous: "r1",
    });
  });

  test("stays when there is nothing to go back to, and says so", async () => {
    server.program("curl", sick);
    const { code, stderr } = await run("r1", [aFile("etc/shop.conf", "bad")]);
    expect(code).toBe(1);
    expect(stderr).toContain("there is no other one to go back to");
    expect(server.report()).toMatchObject({ outcome: "failed", release: "r1" });
  });

  test("gives way to the last healthy one even where its templates can't be filled in now", async () => {
    server.bucket("ssm/mode", "fast");
    server.program("curl", sick);
    await run("r1", [aFile("etc/shop.conf", "good"), template("etc/t", "{{ssm:/mode}}")]);
    server.call(shell, 'rm "$root-bucket/ssm/mode"');
    const { stderr } = await run("r2", [aFile("etc/shop.conf", "bad")]);
    expect(stderr).toContain(
      "/etc/t: {{ssm:/mode}} can't be filled in: ParameterNotFound (400); r1 keeps what it had",
    );
    expect(stderr).toContain("release r1 runs again");
    expect(stderr).not.toContain("nothing was changed");
    expect(server.read("etc/t")).toBe("fast");
  });

  test("is given up on when its health check hangs", async () => {
    const duties = { health: { kind: "command", command: "/bin/sleep 100", timeoutSeconds: 1 } } as const;
    const { code, stderr } = await run("r1", [aFile("etc/a", "a")], { duties });
    expect(stderr).toContain("was not healthy (command) within 1 s");
    expect(code).toBe(1);
  });

  test("gives way too when a service does not start", async () => {
    await run("r1", [aFile("etc/shop.conf", "good")]);
    server.program("systemctl", 'case $1 in restart) grep -q good "$REKINDLE_ROOT/etc/shop.conf" ;; esac');
    const { stderr } = await run("r2", [aFile("etc/shop.conf", "bad")]);
    expect(stderr).toContain("nginx.service did not restart");
    expect(stderr).toContain("release r1 runs again");
  });
});

describe("a report", () => {
  test("tells release, outcome and the time of each step, and tags the instance", async () => {
    server.bucket("instance", "i-0abc");
    await run("r1", [aFile("etc/a", "one")]);
    expect(server.report()).toMatchObject({
      version: 1,
      environment: "shop",
      role: "web",
      server: "web",
      instance: "i-0abc",
      release: "r1",
      previous: null,
      outcome: "healthy",
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(server.report().steps.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "stage release",
        "prepare",
        "install files",
        "start services",
        "wait for health",
      ]),
    );
    expect(server.read("../root-bucket/report-key")).toBe("reports/web/web-i-0abc.json");
    expect(server.read("../root-bucket/tags")).toContain(
      "Tag.1.Key=rekindle:release&Tag.1.Value=r1&Tag.2.Key=rekindle:boot&Tag.2.Value=healthy",
    );
    server.boot(shell);
    expect(server.report()).toMatchObject({ outcome: "unchanged", previous: "r1" });
  });
});

describe("--check", () => {
  const check = () => {
    const { code, stdout } = server.boot(shell, "--check");
    return { code, ...(JSON.parse(stdout) as { drift: { path: string; kind: string }[]; release: string }) };
  };
  const tree = () => [
    aFile("etc/a", "a"),
    aFile("etc/b", "b"),
    folder("etc/c"),
    link("etc/l", "a"),
    template("etc/t", "{{role}}"),
  ];

  test("finds nothing on a server that is as its release", async () => {
    await run("r1", tree());
    expect(check()).toMatchObject({ code: 0, release: "r1", drift: [] });
  });

  test.for<[string, string, object]>([
    ["a missing file", "rm etc/a", { path: "/etc/a", kind: "missing" }],
    ["other content", "echo x > etc/b", { path: "/etc/b", kind: "content" }],
    ["other content of a template", "echo x > etc/t", { path: "/etc/t", kind: "content" }],
    ["another mode", "chmod 600 etc/b", { path: "/etc/b", kind: "mode", expected: "0644", found: "0600" }],
    [
      "another owner",
      "chown 4711 etc/b",
      { path: "/etc/b", kind: "owner", expected: "root:root", found: "4711:0" },
    ],
    ["another target", "ln -sfn b etc/l", { path: "/etc/l", kind: "link", expected: "a", found: "b" }],
    [
      "a file in place of a link",
      "rm etc/l; touch etc/l",
      { path: "/etc/l", kind: "type", expected: "link", found: "file" },
    ],
    ["something more in a directory of the release", "touch etc/c/x", { path: "/etc/c/x", kind: "extra" }],
  ])("names %s", async ([, change, drift]) => {
    await run("r1", tree());
    server.call(shell, `cd "$root"; ${change}`);
    expect(check()).toMatchObject({ code: 1, drift: [drift] });
  });

  test("names a release that is not the pinned one, and changes nothing", async () => {
    await run("r1", tree());
    const pins = await server.publish("r2", [aFile("etc/a", "two")]);
    server.identify(pins);
    const before = server.contents();
    const { code, stderr } = server.boot(shell, "--check");
    expect(code).toBe(2);
    expect(stderr).toContain("release r2 was never unpacked on this server");
    expect(server.contents()).toEqual(before);
  });

  test("that can't look says so with 2", () => {
    server.call(shell, 'rm -f "$root/etc/rekindle/identity"');
    expect(server.boot(shell, "--check").code).toBe(2);
  });
});
