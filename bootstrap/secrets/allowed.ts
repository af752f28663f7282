import { z } from "zod";
import { checkShape } from "../config/check-shape.ts";
import { type ConfigFiles, textOf } from "../config/files.ts";
import { parseYamlFile } from "../config/yaml-file.ts";
import type { Fault } from "../errors.ts";
import { type Finding, findSecrets } from "./find.ts";

/** What looks like a secret and is none, or may be known: each with its reason. */
export const allowedSecretsPath = "configs/allowed-secrets.yaml";

const schema = z.strictObject({
  version: z.literal(1),
  allowed: z.array(
    z.strictObject({
      /** From the repository's root. */
      path: z.string().min(1),
      /** As the fault names it. */
      rule: z.string().min(1),
      reason: z.string().trim().min(1, "a reason: who decided it, and why it does no harm"),
    }),
  ),
});

export type AllowedSecret = z.infer<typeof schema>["allowed"][number];

/**
 * Every secret below `configs/` and `cloud-init/` that is not allowed, and every entry that allows what is not there.
 * Files of which `isKnown` says that they passed before are not read again.
 */
export function secretFaults(files: ConfigFiles, isKnown: (path: string) => boolean = () => false): Fault[] {
  const { allowed, faults, unused } = readAllowed(files);
  const found: Fault[] = [];
  for (const [index, { path }] of allowed.entries())
    if (files.has(path) && isKnown(path)) unused.delete(index);
  for (const [path, file] of files) {
    if (file.mode === "link" || isKnown(path)) continue;
    for (const finding of findSecrets(path, file.content)) {
      const entry = allowed.findIndex((one) => one.path === path && one.rule === finding.rule);
      if (entry === -1) found.push(secretFault(path, finding));
      else unused.delete(entry);
    }
  }
  return [...faults, ...found, ...unused.values()];
}

/** What the allow-list says, without asking whether it is still needed. */
export function allowedSecrets(files: ConfigFiles): { allowed: AllowedSecret[]; faults: Fault[] } {
  const { allowed, faults } = readAllowed(files);
  return { allowed, faults };
}

function readAllowed(files: ConfigFiles) {
  const none = { allowed: [] as AllowedSecret[], faults: [] as Fault[], unused: new Map<number, Fault>() };
  if (!files.has(allowedSecretsPath)) return none;
  const file = parseYamlFile(allowedSecretsPath, textOf(files, allowedSecretsPath));
  const { value, faults } = checkShape(file, schema);
  if (value === undefined) return { ...none, faults };
  const unused = value.allowed.map(({ path, rule }, index): [number, Fault] => [
    index,
    {
      place: file.place(["allowed", index]),
      message: `${path} has nothing that looks like a ${rule}`,
      move: "remove the entry: it would hide a secret that comes later",
    },
  ]);
  return { allowed: value.allowed, faults, unused: new Map(unused) };
}

function secretFault(file: string, { rule, line, column }: Finding): Fault {
  return {
    place: { file, line, column },
    message: `this looks like a secret (${rule})`,
    move: `refer to it as {{secret:<name>}} in a template, or allow it with a reason in ${allowedSecretsPath}`,
  };
}
