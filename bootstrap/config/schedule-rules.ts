import type { Fault } from "../errors.ts";
import { durationSeconds } from "./duration.ts";
import type { Rule } from "./rule.ts";

const secondsOf = { minute: 60, hour: 3600, day: 86400 };

/** What the engines of a schedule would refuse, or would do in vain. */
export const scheduleRules: Rule[] = [
  {
    name: "points are taken often enough",
    needs: ["schedule", "objectives"],
    check: ({ topology: { environment }, environmentFile }): Fault[] => {
      const at = environment.schedule?.points?.at ?? "";
      const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(at) ?? [];
      if (count === undefined) return [];
      const between = Number(count) * secondsOf[unit as keyof typeof secondsOf];
      if (between <= durationSeconds(environment.objectives.rpo)) return [];
      return [
        {
          place: environmentFile.place(["schedule", "points", "at"]),
          message: `schedule.points.at is ${at}, and objectives.rpo is ${environment.objectives.rpo}`,
          move: "take points more often, or allow older data",
        },
      ];
    },
  },
  {
    name: "backups are kept for as long as their vault is locked",
    needs: ["schedule", "protection"],
    check: ({ topology: { environment }, environmentFile }): Fault[] => {
      const { schedule, protection } = environment;
      const keepDays = schedule?.backups?.keepDays;
      const locked = protection?.retention?.days;
      if (keepDays === undefined || locked === undefined || keepDays >= locked) return [];
      return [
        {
          place: environmentFile.place(["schedule", "backups", "keepDays"]),
          message: `schedule.backups.keepDays is ${keepDays}, and protection.retention locks the vault for ${locked} days: AWS Backup would refuse every backup`,
          move: "raise keepDays",
        },
      ];
    },
  },
];
