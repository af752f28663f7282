import { describe, expect, it } from "vitest";
import { type Freeze, quiesceSchema } from "../../bootstrap/config/quiesce-schema.ts";
import { observeHold } from "../../bootstrap/recovery/observe.ts";
import { readTold, type Told } from "../../bootstrap/recovery/told.ts";

const at = (second: number) => `2026-11-24T10:00:0${second}.000Z`;
const ran = (what: string, code = 0) => `ran\t${code}\t${at(1)}\t${at(2)}\t${what}`;
const freezeLines = [ran("sync /data"), ran("CHECKPOINT"), "position\t0/3000060", `held\t${at(2)}`];
const thawLines = [...freezeLines, ran("fsfreeze --unfreeze /data"), `released\t${at(3)}\tthaw`];
const told = (...lines: string[]) => readTold(lines.join("\n"));
const as = (quiesce: Record<string, unknown>) => quiesceSchema.parse(quiesce) as Freeze;
const postgres = as({ kind: "postgres" });

describe("what a hold is worth", () => {
  const observe = (quiesce: Freeze, frozen: Told, thawed: Told) =>
    observeHold(quiesce, frozen, { kind: "told", told: thawed });

  it("is application consistent when a database was told, and everything stayed as it was until the thaw", () => {
    expect(observe(postgres, told(...freezeLines), told(...thawLines))).toEqual({
      label: "application",
      ran: ["sync /data", "CHECKPOINT", "fsfreeze --unfreeze /data"].map((what) => ({
        what,
        exitCode: 0,
        startedAt: at(1),
        endedAt: at(2),
      })),
      frozen: { from: at(2), until: at(3) },
      position: "0/3000060",
      reasons: [],
    });
  });

  it.each<[string, Freeze, string[], string[], string, string[]]>([
    ["a file system alone", as({ kind: "filesystem" }), freezeLines, thawLines, "filesystem", []],
    [
      "a lock that was lost",
      as({ kind: "mariadb" }),
      freezeLines,
      [...freezeLines, ran("BACKUP STAGE END", 1), `released\t${at(3)}\tthaw`],
      "filesystem",
      ["BACKUP STAGE END ended with 1"],
    ],
    [
      "the watchdog's thaw",
      postgres,
      freezeLines,
      [...freezeLines, `released\t${at(3)}\twatchdog`],
      "crash",
      [`the server's watchdog let it go on at ${at(3)}, before the snapshot was known to be taken`],
    ],
    [
      "a mount that somebody else thawed",
      postgres,
      freezeLines,
      [...freezeLines, "lost\t/data", `released\t${at(3)}\tthaw`],
      "crash",
      ["/data had not stayed frozen until it was thawed"],
    ],
    [
      "a hold that the server knows nothing of",
      postgres,
      freezeLines,
      [],
      "crash",
      ["the server knew of no hold when it was to let it go"],
    ],
    ["a failed freeze", postgres, ["failed\tno room"], [], "crash", ["it could not be made quiet: no room"]],
  ])("tells %s as it is", (_case, quiesce, frozen, thawed, label, reasons) => {
    expect(observe(quiesce, told(...frozen), told(...thawed))).toMatchObject({ label, reasons });
  });

  it("is a crash's when nobody heard of the thaw", () => {
    const seen = observeHold(postgres, told(...freezeLines), { kind: "unknown", reason: "no answer" });
    expect(seen.label).toBe("crash");
    expect(seen.frozen).toBeUndefined();
    expect(seen.reasons).toEqual([
      "whether it stayed quiet is not known, and the server lets it go on by itself: no answer",
    ]);
  });
});
