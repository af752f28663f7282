import { expect, test } from "vitest";
import { assembleBoots, beyondHope, bootChecks, dataSpans } from "../../bootstrap/gameday/boots.ts";
import type { BootReport } from "../../bootstrap/history/log.ts";

function aServer(role: string, server: string, instance: string) {
  return { role, server, instance, region: "eu-central-1", launchedAt: "2026-11-24T10:00:00.000Z" };
}

function aReport(instance: string, changes: Partial<BootReport> = {}): BootReport {
  return {
    version: 1,
    environment: "shop",
    role: "db",
    server: "db-0",
    instance,
    region: "eu-central-1",
    release: "r1",
    pinned: "r1",
    previous: null,
    outcome: "healthy",
    message: "db-0 runs release r1",
    startedAt: "2026-11-24T10:00:05.000Z",
    finishedAt: "2026-11-24T10:00:08.000Z",
    steps: [
      { name: "stage release", milliseconds: 500 },
      { name: "mount data", milliseconds: 1250 },
      { name: "start services", milliseconds: 900 },
    ],
    ...changes,
  };
}

const failed = { outcome: "failed", message: "nginx.service did not start" } as const;

test("a boot is from the launch until the script's end, and the data's part of it is told apart", () => {
  const [boot] = assembleBoots([aServer("db", "db-0", "i-1")], [aReport("i-0", failed), aReport("i-1")]);
  expect(boot).toMatchObject({ outcome: "healthy", bootSeconds: 8, dataSeconds: 1.25 });
  expect(dataSpans([boot!])).toEqual([
    { from: Date.parse("2026-11-24T10:00:05.500Z"), to: Date.parse("2026-11-24T10:00:06.750Z") },
  ]);
});

test("a server that has not told is silent, and not healthy", () => {
  const boots = assembleBoots([aServer("web", "web", "i-1")], []);
  expect(boots[0]).toMatchObject({ outcome: "silent", instance: "i-1" });
  expect(bootChecks(boots)).toEqual([
    {
      name: "boot of i-1",
      passed: false,
      expected: "healthy",
      found: "silent: it has not told how its boot went",
    },
  ]);
});

test("a role is beyond hope when all of its servers have failed, and not before", () => {
  const servers = [aServer("web", "web", "i-1"), aServer("web", "web", "i-2"), aServer("db", "db-0", "i-3")];
  const one = assembleBoots(servers, [aReport("i-1", failed), aReport("i-3")]);
  expect(beyondHope(one)).toEqual([]);
  const both = assembleBoots(servers, [
    aReport("i-1", failed),
    aReport("i-2", { ...failed, outcome: "rolled-back" }),
  ]);
  expect(beyondHope(both).map(({ instance }) => instance)).toEqual(["i-1", "i-2"]);
});
