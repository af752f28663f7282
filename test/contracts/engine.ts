import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Body, Disk, Engine, EngineRegion } from "../../sandbox/bodies/engine.ts";
import { instanceId, type ToySurroundings, toySurroundings } from "./toy-surroundings.ts";

/** How an engine is opened for the suite; what is below the folder is the suite's own. */
export interface EngineUnderTest {
  open(folder: string): Promise<Engine>;
  /** How long a machine may take to boot. */
  bootLimitMs: number;
}

const home = "eu-west-1";
const away = "eu-central-1";

/**
 * What every engine of bodies promises. Each test says what it needs and nothing more; the machines of a region are
 * shared where a test leaves them as it found them, since some engines take a minute to boot one.
 */
export function engineContract(name: string, { open, bootLimitMs }: EngineUnderTest): void {
  describe(`the engine ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "rekindle-bodies-"));
    let engine: Engine;
    let surroundings: ToySurroundings;
    let region: EngineRegion;
    let machines = 0;

    beforeAll(async () => {
      engine = await open(join(folder, "disks"));
      await engine.prepareBase(() => undefined);
      surroundings = toySurroundings();
      region = await engine.openRegion(home, surroundings);
    }, 900_000);
    afterAll(async () => {
      await engine?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Boots a machine of some image with user-data, and waits until its user-data has run. */
    const server = async (
      userData: string,
      wants: { image?: Disk; root?: Disk; volumes?: { device: string; disk: Disk }[]; address?: string } = {},
    ): Promise<Server> => {
      machines += 1;
      const address = wants.address ?? `10.0.1.${machines + 9}`;
      surroundings.userData.set(address, userData);
      const root = wants.root ?? (await region.rootFrom(wants.image ?? (await engine.base(home))));
      const consoleFile = join(folder, `console-${machines}`);
      const body = await region.boot({
        id: instanceId(address),
        address,
        root,
        volumes: wants.volumes ?? [],
        consoleFile,
      });
      const said = () => (existsSync(consoleFile) ? readFileSync(consoleFile, "utf8") : "");
      return { ...body, address, root, said };
    };

    const booted = async (...wants: Parameters<typeof server>): Promise<Server> => {
      const one = await server(...wants);
      await until(
        () => one.said().includes("user-data has run"),
        bootLimitMs,
        () => one.said(),
      );
      return one;
    };

    const shell = async (body: Body, script: string) => {
      const { ending, stdout, stderr } = await body.exec(script);
      if (ending.kind !== "exited" || ending.code !== 0)
        throw new Error(`${script}: ${JSON.stringify(ending)} ${stderr}`);
      return stdout.trim();
    };

    describe("with a server that has booted", () => {
      let web: Server;
      beforeAll(async () => {
        surroundings.names.set("db.internal", "10.0.1.200");
        web = await booted(
          [
            "#cloud-config",
            "write_files:",
            "  - { path: /etc/motd, content: written by user-data }",
            "runcmd:",
            "  - mkdir /srv/www && echo hello > /srv/www/index.html",
            '  - curl -sS -d "from the body" "$AWS_ENDPOINT_URL/some/call"',
            "  - [sh, -c, 'cd /srv/www && setsid python3 -m http.server 8080 </dev/null >/dev/null 2>&1 &']",
            "  - echo user-data has run >/dev/console",
          ].join("\n"),
        );
      }, bootLimitMs + 60_000);

      it("has run its user-data with cloud-init, which knows it for an instance of EC2", async () => {
        expect(await shell(web, "cat /etc/motd")).toBe("written by user-data");
        expect(
          await shell(
            web,
            "cloud-init query v1.cloud_name v1.instance_id 2>/dev/null || cloud-init query v1.cloud_name",
          ),
        ).toMatch(/^aws/);
        expect(await shell(web, "cat /run/cloud-init/.instance-id")).toBe(instanceId(web.address));
      });

      it("has asked AWS where its environment says", () => {
        expect(surroundings.asked).toContain("POST /some/call from the body");
      });

      it("says on its console what its boot says", () => {
        expect(web.said()).toMatch(/Cloud-init v\. .* running 'init'/);
      });

      it("is reached on its ports, and refuses others", async () => {
        expect(await ask(region, web.address, 8080)).toMatch(/200 OK[\s\S]*hello/);
        await expect(region.connect(web.address, 81)).rejects.toThrow(/ECONNREFUSED/);
      });

      it("tells how a script ended, and what it wrote", async () => {
        const script = "echo out; echo err >&2; exit 7";
        expect(await web.exec(script)).toEqual({
          ending: { kind: "exited", code: 7 },
          stdout: "out\n",
          stderr: "err\n",
        });
      });

      it("ends a script that takes too long, with all that it started", async () => {
        const { ending } = await web.exec("sleep 1234 & sleep 1234; echo late", { timeoutMs: 500 });
        expect(ending).toEqual({ kind: "killed", signal: "SIGKILL" });
        expect(await shell(web, "pgrep -fx 'sleep 1234' || echo none")).toBe("none");
      });

      it("leaves what a script has started in the background", async () => {
        await shell(web, "setsid sleep 4321 </dev/null >/dev/null 2>&1 &");
        expect(await shell(web, "pkill -fx 'sleep 4321' && echo there")).toBe("there");
      });

      it("knows the names of its region, and no other ones", async () => {
        expect(await shell(web, "getent ahostsv4 db.internal | head -1 | cut -d' ' -f1")).toBe("10.0.1.200");
        expect((await web.exec("getent hosts example.com")).ending).toEqual({ kind: "exited", code: 2 });
      });

      it("reaches nothing outside", async () => {
        const { ending, stderr } = await web.exec("curl -sS --max-time 10 http://1.1.1.1/");
        expect(ending).toMatchObject({ kind: "exited" });
        expect(stderr).toMatch(/connect|resolve|timed out/i);
        expect(await shell(web, `curl -sS -x http://169.254.169.254:3142 http://example.com/`)).toMatch(
          /none of/,
        );
      });

      it("has the private address, where others of its region reach it", {
        timeout: bootLimitMs * 2,
      }, async () => {
        const client = await booted("#cloud-config\nruncmd: [echo user-data has run >/dev/console]");
        expect(await shell(client, `curl -sS http://${web.address}:8080/`)).toBe("hello");
        await client.powerOff();
      });
    });
  });
}

export interface Server extends Body {
  address: string;
  root: Disk;
  said(): string;
}

async function until(
  reached: () => boolean | Promise<boolean>,
  limitMs: number,
  explain: () => string,
): Promise<void> {
  for (let waited = 0; !(await reached()); waited += 50) {
    if (waited > limitMs) throw new Error(`not within ${limitMs / 1000} s: ${explain()}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** What a server answers to a request for its root. */
async function ask(region: EngineRegion, address: string, port: number): Promise<string> {
  const connection = await region.connect(address, port);
  connection.write("GET / HTTP/1.0\r\n\r\n");
  let answer = "";
  for await (const chunk of connection) answer += chunk;
  return answer;
}
