import { expect, it } from "vitest";
import { describePoint, pointLines } from "../../bootstrap/recovery/describe-point.ts";
import { aPoint, primary, recovery } from "../builders.ts";

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

it("a point among others tells where it is complete, and what is lacking elsewhere", () => {
  const places = { [primary]: "complete" as const, [recovery]: ["volume data-0 of db-0: no room"] };
  expect(pointLines(aPoint({ status: "incomplete", places }))).toEqual([
    `point-20261124t100000000z: incomplete, taken at 2026-11-24T10:00:00.000Z, crash consistent, db-0, complete in ${primary}`,
    `  not complete in ${recovery}: volume data-0 of db-0: no room`,
  ]);
  const archived = { since: "2026-11-25T00:00:00.000Z" };
  expect(
    pointLines(aPoint({ status: "incomplete", sets: [], faults: ["db-0: freezing failed"], archived })),
  ).toEqual([
    "point-20261124t100000000z: incomplete, taken at 2026-11-24T10:00:00.000Z, crash consistent, no data",
    "  db-0: freezing failed",
    "  in the archive tier since 2026-11-25T00:00:00.000Z: rekindle thaw point-20261124t100000000z",
  ]);
});
