import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  archiveScript,
  type Origin,
  passwordScript,
  startScript,
} from "../../../../sandbox/bodies/rds/postgres.ts";

const endpoint = { name: "ledger.example.eu-west-1.rds.amazonaws.com", port: 5432 };
const origins: Record<string, Origin | undefined> = {
  new: { kind: "new", master: "keeper", password: "it's $(false) a `secret`", database: "ledger" },
  "of a snapshot": { kind: "snapshot" },
  "of a moment": { kind: "moment", until: "2026-11-24T10:30:00.125Z" },
  "that starts again": undefined,
};

describe("a database's scripts", () => {
  test.for(Object.entries(origins))("are a shell's: %s", ([, origin]) => {
    execFileSync("sh", ["-n", "-c", startScript(endpoint, origin)]);
  });

  test("are a shell's for a password and the archive too", () => {
    execFileSync("sh", ["-n", "-c", passwordScript(5432, "keeper", "it's")]);
    execFileSync("sh", ["-n", "-c", archiveScript(5432, "2026-11-24T10:30:00Z")]);
  });

  test("hand a password on as it is, whatever is in it", () => {
    const password = origins.new?.kind === "new" ? origins.new.password : "";
    const psql = `psql() { for word in "$@"; do case $word in --set=password=*) echo "\${word#*password=}" ;; esac; done; }`;
    const said = execFileSync("sh", ["-c", `${psql}\n${passwordScript(5432, "keeper", password)}`]);
    expect(said.toString()).toBe(`${password}\n`);
  });

  test("format a volume only when it is new", () => {
    const formatted = (origin?: Origin) =>
      [...startScript(endpoint, origin).matchAll(/mkfs.*(\/dev\/\w+)/g)].map(([, device]) => device);
    expect(formatted(origins.new)).toEqual(["/dev/sdf", "/dev/sdg"]);
    expect(formatted(origins["of a snapshot"])).toEqual(["/dev/sdg"]);
    expect(formatted(origins["of a moment"])).toEqual(["/dev/sdg"]);
    expect(formatted()).toEqual([]);
  });

  test("recover to a moment only what is restored to one", () => {
    expect(startScript(endpoint, origins["of a moment"])).toContain(
      "recovery_target_time = '2026-11-24T10:30:00.125+00'",
    );
    for (const name of ["new", "of a snapshot", "that starts again"])
      expect(startScript(endpoint, origins[name])).not.toContain("recovery");
  });
});
