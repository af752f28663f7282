import { posix } from "node:path";
import type { RoleSource } from "./release.ts";

type Sources = Readonly<Record<string, RoleSource>>;

/** The names of the SSM parameters that servers fill their templates in from, sorted. */
export function referredParameters(sources: Sources): string[] {
  return references(sources, "ssm");
}

/** The secrets that servers fill their templates in from: id → the keys that are asked for, none for a plain text. */
export function referredSecrets(sources: Sources): Map<string, string[]> {
  const secrets = new Map<string, string[]>();
  for (const reference of references(sources, "secret")) {
    const [id, key] = reference.split("#") as [string, string?];
    secrets.set(id, [...(secrets.get(id) ?? []), ...(key === undefined ? [] : [key])]);
  }
  return secrets;
}

/**
 * A value for each parameter, for servers that nobody depends on. Parameters that end alike get the same one: a
 * password is read by two roles, each under a name of its own.
 */
export function valuesFor(names: readonly string[], random: () => string): Map<string, string> {
  const byEnd = new Map<string, string>();
  for (const name of names) if (!byEnd.has(posix.basename(name))) byEnd.set(posix.basename(name), random());
  return new Map(names.map((name) => [name, byEnd.get(posix.basename(name))!]));
}

function references(sources: Sources, kind: "ssm" | "secret"): string[] {
  const reference = new RegExp(`\\{\\{\\s*${kind}:([^}\\s]+)\\s*\\}\\}`, "g");
  const names = Object.values(sources).flatMap(({ tree }) =>
    tree.flatMap((entry) =>
      entry.kind === "file" && entry.template
        ? [...Buffer.from(entry.content).toString().matchAll(reference)].map(([, name]) => name!)
        : [],
    ),
  );
  return [...new Set(names)].sort();
}
