import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aBootingServer, type BootingServer } from "./booting-server.ts";
import { shells } from "./sandboxed-server.ts";

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("data in %s", (_name, shell) => {
  let server: BootingServer;
  let mount: string;
  const signature = "data/.rekindle-server";
  beforeEach(() => {
    server = aBootingServer();
    for (const name of ["PG_VERSION", "standby.signal"]) server.file(`data/15/main/${name}`, "");
    server.file("data/notes/standby.signal", "");
    mount = server.file(signature, "").replace(/\/[^/]*$/, "");
  });
  afterEach(() => server.remove());

  const adopt = (by: string) => server.call(shell, `REKINDLE_SERVER=${by}; adopt_data ${mount}`);
  const signals = () =>
    server.call(shell, `cd ${mount} && find . -name standby.signal | sort`).stdout.trim().split("\n");

  it("of a read replica takes writes on the server that it was restored to, and only a database's folder is touched", () => {
    server.file(signature, "db-1");
    expect(adopt("db-0")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`the data at ${mount} was taken of db-1, and is db-0's from now on`),
    });
    expect(signals()).toEqual(["./notes/standby.signal"]);
  });

  it("of a read replica stays one on the replica itself, and where nobody signed it", () => {
    server.file(signature, "db-1");
    expect(adopt("db-1")).toMatchObject({ code: 0, stderr: "" });
    server.call(shell, `rm ${mount}/.rekindle-server`);
    expect(adopt("db-0")).toMatchObject({ code: 0, stderr: "" });
    expect(signals()).toHaveLength(2);
  });

  it("is signed once, by the server whose it is now", () => {
    server.file(signature, "db-1");
    const sign = `REKINDLE_SERVER=db-0; storage="single xfs ${mount}"; sign_data`;
    expect(server.call(shell, `${sign} && ${sign}`)).toMatchObject({ code: 0, stderr: "" });
    expect(server.read(signature)).toBe("db-0");
    expect(server.call(shell, `ls -A ${mount}`).stdout).toBe(".rekindle-server\n15\nnotes\n");
    expect(server.call(shell, `storage=; ${sign.split("; ").at(-1)}`).code).toBe(0);
  });
});
