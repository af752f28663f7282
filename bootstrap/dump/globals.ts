/**
 * What of `pg_dumpall --globals-only` a server that has some roles already can take: those stay as they are. Attributes
 * that a new role lacks anyway are left out, since only a superuser may say so.
 */
export function globalsFor(sql: string, existing: readonly string[]): string {
  const kept = new Set(existing);
  return sql
    .split("\n")
    .filter((line) => {
      const role = /^(?:CREATE|ALTER) ROLE (?:"((?:[^"]|"")+)"|(\w+))/.exec(line);
      return role === null || !kept.has(role[1]?.replaceAll('""', '"') ?? role[2]!);
    })
    .map((line) =>
      line.startsWith("ALTER ROLE ") ? line.replace(/ NO(SUPERUSER|REPLICATION|BYPASSRLS)\b/g, "") : line,
    )
    .join("\n");
}

/** The roles that it makes. */
export function rolesOf(sql: string): string[] {
  return [...sql.matchAll(/^CREATE ROLE (?:"((?:[^"]|"")+)"|(\w+))/gm)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain!,
  );
}
