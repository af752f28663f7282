import type { UserDataPart } from "../release/manifest.ts";
import { byCodePoint, type TreeEntry } from "../release/tree.ts";

/** One role's configuration on one side of a comparison. */
export interface RoleSide {
  tree: readonly TreeEntry[];
  /** Nothing for a live server, which no longer has its templates. */
  userData?: readonly UserDataPart[];
}

/** One side of a comparison: a commit's, a release's or a server's configuration, by role. */
export interface Side {
  /** As the user named it. */
  name: string;
  /** A server holds templates filled in. */
  isLive: boolean;
  roles: Readonly<Record<string, RoleSide>>;
}

export type ChangeKind = "added" | "removed" | "kind" | "content" | "template" | "target" | "mode" | "owner";

/** What became of one path of one role. `before` is missing for an added one, `after` for a removed one. */
export interface Change {
  role: string;
  /** Absolute on the server; a user-data template's is `user-data/<name>`. */
  path: string;
  kinds: ChangeKind[];
  before?: TreeEntry;
  after?: TreeEntry;
  /** A server's side was filled in, and no template is at hand: what stands there can't be told from secrets. */
  isFilledIn: boolean;
}

/** Everything that differs between two sides, by role and path in code point order. */
export function compareSides(before: Side, after: Side): Change[] {
  const roles = [...new Set([...Object.keys(before.roles), ...Object.keys(after.roles)])].sort(byCodePoint);
  return roles.flatMap((role) => {
    const [from, to] = [before.roles[role], after.roles[role]];
    // Where one side can't say anything of user-data, the other side's is no difference.
    const withUserData = [from, to].every((side) => side === undefined || side.userData !== undefined);
    const [old, now] = [entriesOf(from, withUserData), entriesOf(to, withUserData)];
    const paths = [...new Set([...old.keys(), ...now.keys()])].sort(byCodePoint);
    return paths.flatMap((path) => {
      const [was, is] = [old.get(path), now.get(path)];
      const kinds = differences(was, is);
      if (kinds.length === 0) return [];
      const templates = [
        { side: before, entry: was },
        { side: after, entry: is },
      ].filter(({ entry }) => entry?.kind === "file" && entry.template);
      return [
        {
          role,
          path,
          kinds,
          ...(was && { before: was }),
          ...(is && { after: is }),
          isFilledIn: templates.length > 0 && templates.every(({ side }) => side.isLive),
        },
      ];
    });
  });
}

function entriesOf(side: RoleSide | undefined, withUserData: boolean): Map<string, TreeEntry> {
  const parts = withUserData ? (side?.userData ?? []) : [];
  return new Map([
    ...(side?.tree ?? []).map((entry) => [`/${entry.path}`, entry] as const),
    ...parts.map((part) => [`user-data/${part.name}`, userDataEntry(part)] as const),
  ]);
}

function userDataEntry({ name, content }: UserDataPart): TreeEntry {
  return {
    kind: "file",
    path: `user-data/${name}`,
    content: Buffer.from(content),
    mode: "0644",
    owner: "root",
    group: "root",
    template: false,
  };
}

function differences(before: TreeEntry | undefined, after: TreeEntry | undefined): ChangeKind[] {
  if (before === undefined) return after === undefined ? [] : ["added"];
  if (after === undefined) return ["removed"];
  const owner: ChangeKind[] = before.owner === after.owner && before.group === after.group ? [] : ["owner"];
  if (before.kind === "link" && after.kind === "link")
    return [...(before.target === after.target ? [] : ["target" as const]), ...owner];
  if (before.kind === "file" && after.kind === "file") {
    const isSame = Buffer.compare(before.content, after.content) === 0;
    return [
      ...(isSame ? [] : ["content" as const]),
      ...(before.template === after.template ? [] : ["template" as const]),
      ...(before.mode === after.mode ? [] : ["mode" as const]),
      ...owner,
    ];
  }
  if (before.kind === "directory" && after.kind === "directory")
    return [...(before.mode === after.mode ? [] : ["mode" as const]), ...owner];
  return ["kind", ...owner];
}
