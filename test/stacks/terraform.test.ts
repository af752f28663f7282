import { describe, expect, test } from "vitest";
import {
  beginningWith,
  clustered,
  everySchedule,
  foundationScheduled,
  ledger,
  refusedBecause,
  type StackName,
  shop,
  synthesize,
  withCopies,
} from "./builder.ts";
import { terraformOn } from "./terraform.ts";

const second = { kind: "point-in-time", restoreTime: "2026-11-24T03:00:00Z" } as const;
const arn = "arn:aws:rds:eu-west-1:123456789012:auto-backup:ab-1";
const ofBackup = () => beginningWith(ledger(), { ...second, source: { kind: "replicated", arn } });
const ofCluster = () =>
  beginningWith(clustered(), { ...second, source: { kind: "live", identifier: "ledger" } });

describe("Terraform and the real provider accept", () => {
  test.each<[string, StackName, typeof shop]>([
    ["shop", "foundation-stack", shop],
    ["shop", "recovery-stack", shop],
    ["ledger", "primary-stack", ledger],
    ["ledger", "recovery-stack", ledger],
    ["a database's second", "recovery-stack", ofBackup],
    ["a cluster", "primary-stack", clustered],
    ["a cluster's snapshot", "recovery-stack", clustered],
    ["a cluster's second", "recovery-stack", ofCluster],
  ])("%s's %s", async (_, name, environment) => {
    const terraform = await terraformOn(synthesize(environment())[name]);
    const { succeeded, output } = await terraform("validate");
    expect(output).toContain("Success!");
    expect(succeeded).toBe(true);
  });
});

test("Terraform and the real provider accept a foundation with copies in a further region and in a vault", async () => {
  const account = { id: "210987654321", role: "rekindle-vault" };
  const terraform = await terraformOn(withCopies({ regions: ["eu-north-1"], account, atOnce: 5 }));
  expect((await terraform("validate")).output).toContain("Success!");
});

test("and a foundation with every schedule", async () => {
  const protection = { retention: { mode: "compliance" as const, days: 30 }, replicate: false };
  const terraform = await terraformOn(foundationScheduled(everySchedule, protection));
  const { succeeded, output } = await terraform("validate");
  expect(output).toContain("Success!");
  expect(succeeded).toBe(true);
});

describe("a stack without pins", () => {
  const refused = {
    ...shop(),
    recovery: refusedBecause("no point is complete", "point-2 lacks ${db-0} and %{data}"),
  };
  const stack = synthesize(refused)["recovery-stack"];

  test("has nothing but its refusal", () => {
    expect(Object.keys(stack.resource)).toEqual(["terraform_data"]);
    expect(Object.keys(stack.resource.terraform_data!)).toEqual(["refused"]);
  });

  test("fails when it is planned, with every reason", async () => {
    const terraform = await terraformOn(stack);
    const { succeeded, output } = await terraform("plan");
    expect(succeeded).toBe(false);
    expect(output).toContain("- no point is complete");
    expect(output).toContain("- point-2 lacks ${db-0} and %{data}");
  });
});
