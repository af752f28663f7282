import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import type { StandIn } from "./stand-in.ts";

const Version = "2014-10-31";

/** Stands in for the end of a DB instance's automated snapshots: AWS deletes them with it unless told not to. */
export const automatedBackupsStandIn: StandIn = {
  answer: () => undefined,
  reset: () => undefined,
  async after({ service, action, region, form }: ApiRequest, _answer: Answer, emulator: Emulator) {
    if (service !== "rds" || action !== "DeleteDBInstance") return;
    if (form.get("DeleteAutomatedBackups") === "false") return;
    const DBInstanceIdentifier = form.get("DBInstanceIdentifier")!;
    const listed = await callQueryService(emulator, service, region, {
      Action: "DescribeDBSnapshots",
      Version,
    });
    for (const [, identifier] of listed.matchAll(
      /<DBSnapshotIdentifier>(rds:[^<]+)<\/DBSnapshotIdentifier>/g,
    )) {
      // `rds:<instance>-<date>-<time>`
      if (identifier!.slice("rds:".length).replace(/(-\d+){5}$/, "") !== DBInstanceIdentifier) continue;
      await callQueryService(emulator, service, region, {
        Action: "DeleteDBSnapshot",
        Version,
        DBSnapshotIdentifier: identifier!,
      });
    }
  },
};
