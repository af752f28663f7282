import type { Fault } from "../errors.ts";
import { readAttributes } from "./attributes.ts";
import { capacityRules } from "./capacity-rules.ts";
import { copyRules } from "./copy-rules.ts";
import { dumpRules } from "./dump-rules.ts";
import { fileNameFaults } from "./file-names.ts";
import type { ConfigFiles } from "./files.ts";
import { networkRules } from "./network-rules.ts";
import { orderRules } from "./order-rules.ts";
import { quiesceRoleRules, quiesceRules } from "./quiesce-rules.ts";
import { roleRules } from "./role-rules.ts";
import type { Subject } from "./rule.ts";
import { scheduleRules } from "./schedule-rules.ts";
import type { Environment, Role } from "./schema.ts";
import { userDataNames } from "./user-data.ts";
import { userDataRules } from "./user-data-rules.ts";
import { volumeRules } from "./volume-rules.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Checks an environment: all faults, not the first one. `sections` are the ones without faults of their own. */
export function checkRules(subject: Subject, sections: ReadonlySet<keyof Environment>): Fault[] {
  const all = [networkRules, orderRules, capacityRules, quiesceRules, dumpRules, scheduleRules, copyRules];
  return all
    .flat()
    .filter(({ needs }) => needs.every((section) => sections.has(section)))
    .flatMap(({ check }) => check(subject));
}

/** Checks a role by itself. */
export function checkRoleRules(role: Role, name: string, file: YamlFile, files: ConfigFiles): Fault[] {
  return [...roleRules, ...volumeRules, ...quiesceRoleRules]
    .flatMap(({ check }) => check(role, { name, files }))
    .map(({ keys, message, move }): Fault => ({ place: file.place(keys), message, move }))
    .concat(
      userDataNames(role, name).flatMap((template) => userDataRules(template, files)),
      readAttributes(files, name).faults,
      fileNameFaults(files, name),
    );
}
