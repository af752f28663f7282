/** What a run changed in one role, as git sees it. */
export interface RoleChange {
  role: string;
  reference: string;
  /** Path on the server → what happened to it. */
  paths: ReadonlyMap<string, "added" | "changed" | "removed">;
  /** Lines about owners and modes, packages, units, and differences between hosts. */
  remarks: readonly string[];
}

const shown = 200;

/** The commit's message: which roles and hosts in the first line, every change below. */
export function commitMessage(changes: readonly RoleChange[]): string {
  const count = changes.reduce((sum, { paths }) => sum + paths.size, 0);
  const roles = changes.map(({ role, reference }) => `${role} (${reference})`).join(", ");
  // Owners and modes, packages, units, or differences between hosts.
  const files = count === 0 ? "other changes" : count === 1 ? "1 file" : `${count} files`;
  const full = `Collect ${files} of ${roles}`;
  const subject = full.length <= 72 ? full : `Collect ${files} of ${changes.length} roles`;
  const blocks = changes.map((change) =>
    [`${change.role}, from ${change.reference}:`, ...lines(change)].join("\n"),
  );
  return `${[subject, ...blocks].join("\n\n")}\n`;
}

function lines({ paths, remarks }: RoleChange): string[] {
  const all = [...[...paths].map(([path, how]) => `  ${how} ${path}`), ...remarks.map((line) => `  ${line}`)];
  const rest = all.length - shown;
  return rest > 0 ? [...all.slice(0, shown), `  and ${rest} more`] : all;
}

/** How a list of packages or units differs from an earlier one, in words. */
export function listRemarks(
  host: string,
  what: "package" | "unit",
  before: readonly string[] = [],
  after: readonly string[] = [],
): string[] {
  const gone = before.filter((one) => !after.includes(one));
  const come = after.filter((one) => !before.includes(one));
  if (before.length === 0 && come.length > 0) return [`${host}: ${come.length} ${what}s recorded`];
  return [
    ...come.map((one) => `${host}: ${what} ${one} is new`),
    ...gone.map((one) => `${host}: ${what} ${one} is gone`),
  ];
}
