import { expect, it } from "vitest";
import { describePoint } from "../../bootstrap/recovery/describe-point.ts";
import { aPoint } from "../builders.ts";

it("a recovery point tells what each data set is worth, and what was seen of it", () => {
  const [set] = aPoint().sets;
  const point = aPoint({
    consistency: "application",
    sets: [
      {
        ...set!,
        observed: {
          label: "application",
          ran: [
            {
              what: "CHECKPOINT",
              exitCode: 0,
              startedAt: "2026-11-24T09:59:58.000Z",
              endedAt: "2026-11-24T09:59:59.250Z",
            },
          ],
          frozen: { from: "2026-11-24T10:00:00.000Z", until: "2026-11-24T10:00:00.840Z" },
          position: "0/3000060",
          reasons: [],
        },
      },
    ],
  });
  expect(describePoint(point)).toEqual([
    "recovery point point-20261124t100000000z is complete, application consistent, 1 data set",
    "  db-0: application consistent, from 2026-11-24T10:00:00.000Z, quiet for 0.84 s, at 0/3000060",
    "    CHECKPOINT: done in 1.25 s",
  ]);
});

it("and of one that nothing made quiet, why", () => {
  expect(describePoint(aPoint()).slice(1)).toEqual([
    "  db-0: crash consistent, from 2026-11-24T10:00:00.000Z",
    "    no better, since nothing was frozen",
  ]);
});
