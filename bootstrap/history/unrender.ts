import type { TreeEntry } from "../release/tree.ts";
import type { Side } from "./compare.ts";

/** A line that the template does not explain, in a template that a server fills secrets into. */
const hidden = "********";

/**
 * A file of a server as the template that it was made from: where a line is the template's, filled in, the template's
 * own line stands. Thus values that a server looked up are no difference, and no secret among them is shown.
 */
export function unrender(template: string, content: string): string {
  const lines = template.split("\n");
  const known = new Set(lines);
  const patterns = lines
    .filter((line) => placeholder.test(line))
    .map((line) => ({ line, pattern: new RegExp(`^${line.split(placeholder).map(escaped).join(".*")}$`) }));
  const holdsSecrets = /\{\{\s*(ssm|secret):/.test(template);
  // In the template's order: two lines of it may fit the same text, such as a value alone.
  let next = 0;
  return content
    .split("\n")
    .map((text) => {
      if (known.has(text)) return text;
      const index = patterns.findIndex(({ pattern }, at) => at >= next && pattern.test(text));
      if (index >= 0) {
        next = index + 1;
        return patterns[index]!.line;
      }
      return holdsSecrets && text !== "" ? hidden : text;
    })
    .join("\n");
}

/** A server's side with every file that the other side has the template of as that template. */
export function unrenderSide(live: Side, other: Side): Side {
  const roles = Object.entries(live.roles).map(([role, side]) => {
    const templates = new Map((other.roles[role]?.tree ?? []).map((entry) => [entry.path, entry]));
    return [
      role,
      { ...side, tree: side.tree.map((entry) => unrendered(entry, templates.get(entry.path))) },
    ] as const;
  });
  return { ...live, roles: Object.fromEntries(roles) };
}

function unrendered(entry: TreeEntry, template: TreeEntry | undefined): TreeEntry {
  if (entry.kind !== "file" || template?.kind !== "file" || !template.template) return entry;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return {
    ...entry,
    template: true,
    content: Buffer.from(unrender(text(template.content), text(entry.content))),
  };
}

const placeholder = /\{\{[^{}]*\}\}/;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
