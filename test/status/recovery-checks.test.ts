import { describe, expect, it, test } from "vitest";
import { worst } from "../../bootstrap/status/outcome.ts";
import { quotaOf } from "../../bootstrap/status/quotas.ts";
import { type RecoveryLooks, recoveryChecks } from "../../bootstrap/status/recovery-checks.ts";
import { looks, needs, seen, unseen } from "./builders.ts";

type Pinned = NonNullable<RecoveryLooks["pinned"]>;

/** What did not pass. */
function faults(changes: Partial<RecoveryLooks> = {}, pinned: Partial<Pinned> = {}) {
  return recoveryChecks(looks(changes, pinned), needs).filter(({ outcome }) => outcome !== "passed");
}

it("passes every check when everything is there", () => {
  const checks = recoveryChecks(looks(), needs);
  expect(checks.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["plan", "passed"],
    ["images", "passed"],
    ["snapshots", "passed"],
    ["keys", "passed"],
    ["permissions by dry run", "passed"],
    ["permissions by IAM", "passed"],
    ["instance types", "passed"],
    ["quota of vCPUs of standard instances", "passed"],
    ["quota of VPCs", "passed"],
    ["quota of Elastic IP addresses", "passed"],
    ["address range", "passed"],
    ["state", "passed"],
  ]);
});

describe("one fault fails its own check and no other", () => {
  const key = "arn:aws:kms:eu-central-1:123456789012:key/k";
  test.each<[string, ReturnType<typeof faults>, string, string]>([
    [
      "an image that was deregistered",
      faults({}, { images: seen(new Map([["ami-r-db", { state: "available" }]])) }),
      "images",
      "1 of 2 are not available: ami-r-web is gone",
    ],
    [
      "a snapshot in error",
      faults(
        {},
        {
          snapshots: seen(
            new Map([
              ["snap-r-data-0", { state: "completed" }],
              ["snap-r-data-1", { state: "error" }],
            ]),
          ),
        },
      ),
      "snapshots",
      "1 of 2 are not completed: snap-r-data-1 is error",
    ],
    [
      "a disabled key",
      faults({}, { keys: seen(new Map([[key, "it is Disabled"]])) }),
      "keys",
      `${key}: it is Disabled`,
    ],
    [
      "a right that is missing",
      faults({}, { dryRuns: seen([{ call: "CreateVolume", answer: "refused", said: "not authorized" }]) }),
      "permissions by dry run",
      "CreateVolume: not authorized",
    ],
    [
      "an action that IAM denies",
      faults({ denied: seen(["ssm:PutParameter"]) }),
      "permissions by IAM",
      "denied: ssm:PutParameter",
    ],
    [
      "an instance type that one zone lacks",
      faults({ offered: seen(new Set(["eu-central-1a t3.small", "eu-central-1a t3.medium"])) }),
      "instance types",
      "not offered: t3.small in eu-central-1b",
    ],
    [
      "a quota that others use up",
      faults({
        vcpus: seen([{ quota: quotaOf("t3.small"), needed: 6, use: seen({ limit: 32, used: 27 }) }]),
      }),
      "quota of vCPUs of standard instances",
      "6 needed, 27 of 32 in use",
    ],
    [
      "as many VPCs as are allowed",
      faults({ networkUse: seen({ limit: 5, used: 5 }) }),
      "quota of VPCs",
      "1 needed, 5 of 5 in use",
    ],
    [
      "a network with the same addresses",
      faults({
        networks: seen([
          { id: "vpc-own", cidrs: ["10.20.0.0/16"], isOwn: true },
          { id: "vpc-other", cidrs: ["10.99.0.0/16", "10.20.128.0/17"], isOwn: false },
        ]),
      }),
      "address range",
      "10.20.0.0/16 overlaps vpc-other (10.99.0.0/16, 10.20.128.0/17)",
    ],
    [
      "a state that another Terraform works on",
      faults({ state: seen({ lockedBy: "ann@host (OperationTypeApply since 2026-11-24T10:00:00Z)" }) }),
      "state",
      "locked by ann@host (OperationTypeApply since 2026-11-24T10:00:00Z)",
    ],
  ])("%s", (_, found, name, says) => {
    expect(found).toEqual([{ name, outcome: "failed", found: says, move: expect.any(String) }]);
  });
});

test("a network that is the environment's own is no obstacle", () => {
  expect(faults({ networks: seen([{ id: "vpc-own", cidrs: ["10.20.0.0/16"], isOwn: true }]) })).toEqual([]);
});

test("without a plan its reasons are told, and its parts are not looked for", () => {
  const { pinned: _, ...rest } = looks({
    planned: seen({ kind: "refused", reasons: ["there is no recovery point"] }),
  });
  const checks = recoveryChecks(rest, needs);
  expect(checks[0]).toMatchObject({ name: "plan", outcome: "failed", found: "there is no recovery point" });
  expect(checks.map(({ name }) => name)).not.toContain("images");
});

describe("what nobody could look at", () => {
  const blind: (keyof RecoveryLooks)[] = [
    "planned",
    "denied",
    "offered",
    "vcpus",
    "networkUse",
    "addressUse",
    "networks",
    "state",
  ];
  test.each(blind)("%s is never taken for passed, and says why", (name) => {
    const found = faults({ [name]: unseen });
    expect(found).toEqual([
      { name: expect.any(String), outcome: "could-not-look", found: "AWS did not answer" },
    ]);
  });

  const blindParts: (keyof Pinned)[] = ["images", "snapshots", "keys", "dryRuns"];
  test.each(blindParts)("%s of the plan is neither", (name) => {
    expect(faults({}, { [name]: unseen })).toMatchObject([{ outcome: "could-not-look" }]);
  });

  test("and a dry run that EC2 did not decide is neither", () => {
    const dryRuns = seen([
      { call: "CreateVolume", answer: "allowed" as const },
      { call: "RunInstances of web", answer: "undecided" as const, said: "No default VPC" },
    ]);
    expect(faults({}, { dryRuns })).toEqual([
      {
        name: "permissions by dry run",
        outcome: "could-not-look",
        found: "RunInstances of web: No default VPC",
      },
    ]);
  });
});

test("several outcomes are as good as the worst", () => {
  expect(worst(["passed", "passed"])).toBe("passed");
  expect(worst(["passed", "could-not-look"])).toBe("could-not-look");
  expect(worst(["could-not-look", "failed", "passed"])).toBe("failed");
});
