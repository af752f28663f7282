import { Refusal } from "../../refusal.ts";

/** Between when an instance can be restored: from its first backup on. */
export interface Window {
  from: Date | undefined;
  to: Date;
}

/** The moment that a restore asks for, as PostgreSQL reads it; nothing for the latest one. Refused as RDS does. */
export function restoreTime(form: URLSearchParams, { from, to }: Window): string | undefined {
  if (from === undefined)
    throw new Refusal(
      "PointInTimeRestoreNotEnabled",
      "the instance has no automated backups: its backup retention period is 0, or its first backup is not done yet",
    );
  const given = form.get("RestoreTime");
  const isLatest = form.get("UseLatestRestorableTime") === "true";
  if ((given === null) !== isLatest)
    throw new Refusal(
      "InvalidParameterCombination",
      "give either RestoreTime or UseLatestRestorableTime, and not both",
    );
  if (given === null) return undefined;
  const time = new Date(given);
  if (Number.isNaN(time.getTime()))
    throw new Refusal("InvalidParameterValue", `RestoreTime ${JSON.stringify(given)} is no time in ISO 8601`);
  if (time < from)
    throw new Refusal(
      "InvalidParameterValue",
      `the instance cannot be restored to a time earlier than ${from.toISOString()}, and ${given} is asked for`,
    );
  if (time > to)
    throw new Refusal(
      "InvalidParameterValue",
      `the instance cannot be restored to a time later than ${to.toISOString()}, and ${given} is asked for`,
    );
  return time.toISOString();
}
