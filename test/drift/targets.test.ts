import { describe, expect, test } from "vitest";
import type { SourceRule } from "../../bootstrap/collect/sources.ts";
import { driftTargets, type LiveServer } from "../../bootstrap/drift/targets.ts";

const region = "eu-west-1";
const anInstance = (instance: string, changes: Partial<LiveServer> = {}): LiveServer => ({
  instance,
  region,
  role: "web",
  server: "web",
  ...changes,
});
const asked = (sources: Record<string, SourceRule[]>, live: LiveServer[]) =>
  driftTargets(new Map(Object.entries(sources)), live);
const ways = (sources: Record<string, SourceRule[]>, live: LiveServer[]) =>
  asked(sources, live).targets.map((target) =>
    target.kind === "ssh"
      ? `${target.name}: ssh ${target.host}`
      : `${target.name}: ssm ${target.instance} ${target.region}`,
  );

describe("asked is", () => {
  test("every instance of a role through SSM, a fixed server by its name", () => {
    const live = [anInstance("i-1"), anInstance("i-2"), anInstance("i-3", { role: "db", server: "db-0" })];
    expect(ways({ web: [], db: [] }, live)).toEqual([
      `i-1: ssm i-1 ${region}`,
      `i-2: ssm i-2 ${region}`,
      `db-0: ssm i-3 ${region}`,
    ]);
  });

  test("no instance of a role that nobody asked for", () => {
    expect(ways({ db: [] }, [anInstance("i-1")])).toEqual([]);
  });

  test("a host that is collected over ssh, over ssh, and its instance not again", () => {
    const live = [
      anInstance("i-3", { role: "db", server: "db-0" }),
      anInstance("i-4", { role: "db", server: "db-1" }),
    ];
    expect(ways({ db: [{ ssh: "db-0" }] }, live)).toEqual(["db-0: ssh db-0", `db-1: ssm i-4 ${region}`]);
  });

  test("an instance that is collected through SSM, once", () => {
    expect(ways({ web: [{ ssm: "i-1", region }] }, [anInstance("i-1")])).toEqual([`i-1: ssm i-1 ${region}`]);
  });

  test("no host that only pushes, and no folder: both are told", () => {
    const { targets, notAsked } = asked({ web: [{ inbox: "far-1" }, { folder: "/srv/a", host: "a" }] }, []);
    expect(targets).toEqual([]);
    expect(notAsked.map(({ role, host, reason }) => `${role} ${host} ${reason}`)).toEqual([
      "web far-1 it pushes, and lets nobody in; run rekindle-boot --check there",
      "web a it is a folder, and no server",
    ]);
  });
});
