import { checkShape } from "../config/check-shape.ts";
import { rolePath } from "../config/files.ts";
import { nearest } from "../config/nearest.ts";
import { type Role, roleSchema } from "../config/schema.ts";
import { parseYamlFile } from "../config/yaml-file.ts";
import { badConfiguration, type Fault, RekindleError } from "../errors.ts";

export type CollectRules = NonNullable<Role["collect"]>;
export type SourceRule = CollectRules["sources"][number];

/** The name that a source's host goes by. */
export function hostOf(source: SourceRule): string {
  if ("ssh" in source) return source.ssh;
  if ("ssm" in source) return source.ssm;
  return "folder" in source ? source.host : source.inbox;
}

/** The roles to collect, of those that are asked for, or of all that say how; by name → text of role.yaml. */
export function collectRules(
  files: ReadonlyMap<string, string>,
  asked: readonly string[],
): Map<string, CollectRules> {
  for (const role of asked) {
    if (files.has(role)) continue;
    const meant = nearest(role, [...files.keys()]);
    const guess = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    throw new RekindleError(
      "bad-input",
      `there is no role ${JSON.stringify(role)}: no ${rolePath(role)}${guess || "; add it, or correct the name"}`,
    );
  }
  const faults: Fault[] = [];
  const rules = new Map<string, CollectRules>();
  for (const [role, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (asked.length > 0 && !asked.includes(role)) continue;
    const file = parseYamlFile(rolePath(role), text);
    const checked = checkShape(file, roleSchema);
    faults.push(...checked.faults);
    const collect = checked.value?.collect;
    if (collect === undefined) {
      if (asked.includes(role) && checked.value !== undefined) throw nothingToCollect(role);
      continue;
    }
    faults.push(...twins(file, collect), ...brokenMasks(file, collect));
    rules.set(role, collect);
  }
  if (faults.length > 0) throw badConfiguration(faults);
  if (rules.size === 0)
    throw new RekindleError("bad-input", "no role says what to collect; add collect to a role.yaml");
  return rules;
}

function nothingToCollect(role: string): RekindleError {
  return new RekindleError(
    "bad-input",
    `role ${role} does not say what to collect; add collect to ${rolePath(role)}, or name another role`,
  );
}

type File = ReturnType<typeof parseYamlFile>;

function twins(file: File, { sources }: CollectRules): Fault[] {
  const names = sources.map(hostOf);
  return names.flatMap((name, index) => {
    if (names.indexOf(name) === index) return [];
    return [
      {
        place: file.place(["collect", "sources", index]),
        message: `host ${JSON.stringify(name)} is here twice`,
        move: "name each host once",
      },
    ];
  });
}

function brokenMasks(file: File, { masks }: CollectRules): Fault[] {
  return masks.flatMap(({ pattern }, index) => {
    try {
      new RegExp(pattern, "g");
      return [];
    } catch (error) {
      return [
        {
          place: file.place(["collect", "masks", index, "pattern"]),
          message: `the pattern is no regular expression: ${(error as Error).message}`,
          move: "correct it",
        },
      ];
    }
  });
}
