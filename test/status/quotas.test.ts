import { expect, it, test } from "vitest";
import { needsOf } from "../../bootstrap/status/needs.ts";
import { quotaOf, vcpuNeeds } from "../../bootstrap/status/quotas.ts";
import { aTopology, recovery } from "../builders.ts";

test.each([
  ["t3.small", "L-1216C47A"],
  ["m7g.large", "L-1216C47A"],
  ["is4gen.medium", "L-1216C47A"],
  ["g5.xlarge", "L-DB2E81BA"],
  ["vt1.3xlarge", "L-DB2E81BA"],
  ["p5.48xlarge", "L-417A185B"],
  ["x2idn.16xlarge", "L-7295265B"],
  ["inf2.xlarge", "L-1945791B"],
  ["u-6tb1.metal", "L-43DA4232"],
])("%s counts against quota %s", (instanceType, code) => {
  expect(quotaOf(instanceType).code).toBe(code);
});

it("adds up the vCPUs of every server of an environment, each quota by itself", () => {
  const roles = {
    web: { count: 3, instanceType: "t3.small", dependsOn: ["db"] },
    db: { count: 2, instanceType: "g5.xlarge" },
  };
  const vcpus = new Map([
    ["t3.small", 2],
    ["g5.xlarge", 4],
  ]);
  expect(
    vcpuNeeds(needsOf(aTopology({ roles }), recovery), vcpus).map(({ quota, needed }) => [
      quota.code,
      needed,
    ]),
  ).toEqual([
    ["L-1216C47A", 6],
    ["L-DB2E81BA", 8],
  ]);
});

it("asks for each instance type where its servers would be: a fleet in every zone, a fixed server in its own", () => {
  expect(needsOf(aTopology(), recovery).placements).toEqual([
    { instanceType: "t3.small", zone: "eu-central-1a" },
    { instanceType: "t3.small", zone: "eu-central-1b" },
    { instanceType: "t3.medium", zone: "eu-central-1a" },
  ]);
});
