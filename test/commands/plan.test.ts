import { expect, it } from "vitest";
import { describePlan } from "../../bootstrap/commands/plan.ts";
import type { RecoveryPlan } from "../../bootstrap/recovery/plan.ts";

const plan: RecoveryPlan = {
  version: 1,
  id: "plan-1",
  environment: "shop",
  region: "eu-central-1",
  createdAt: "2026-11-24T12:00:00.000Z",
  dataSets: [{ name: "ledger", takenAt: "2026-11-24T11:00:00.000Z", rpoSeconds: 3600 }],
  reasons: [],
  passedOver: [],
  pins: { roles: {} } as never,
};

it.each([
  ["now", {}, "RPO 3600.0 s"],
  ["a moment that has passed", { asOf: "2026-11-24T12:00:00.000Z" }, "before that moment by 3600.0 s"],
  ["now, for a moment that is still to come", { asOf: "2099-01-01T00:00:00.000Z" }, "RPO 3600.0 s"],
])("a plan says how far its data is from %s", (_, wish, said) => {
  expect(describePlan({ ...plan, ...wish }).join("\n")).toContain(
    `data of ledger: from 2026-11-24T11:00:00.000Z, ${said}`,
  );
});
