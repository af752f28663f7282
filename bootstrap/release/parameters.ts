import type { RoleSource } from "./release.ts";

const reference = /\{\{\s*ssm:([^}\s]+)\s*\}\}/g;

/** The names of the SSM parameters that servers fill their templates in from, sorted. */
export function referredParameters(sources: Readonly<Record<string, RoleSource>>): string[] {
  const names = Object.values(sources).flatMap(({ tree }) =>
    tree.flatMap((entry) =>
      entry.kind === "file" && entry.template
        ? [...Buffer.from(entry.content).toString().matchAll(reference)].map(([, name]) => name!)
        : [],
    ),
  );
  return [...new Set(names)].sort();
}
