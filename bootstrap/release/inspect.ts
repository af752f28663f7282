import { sha256 } from "./digest.ts";
import type { ManifestEntry } from "./manifest.ts";
import type { TreeEntry } from "./tree.ts";

/** What a bundle's content has against its manifest; nothing when they agree entry by entry. */
export function inspectBundle(tree: readonly TreeEntry[], files: readonly ManifestEntry[]): string[] {
  const listed = new Map(files.map((entry) => [entry.path, essence(entry)]));
  const faults = tree.flatMap((entry) => {
    const expected = listed.get(entry.path);
    listed.delete(entry.path);
    const found = essence(entry);
    if (expected === found) return [];
    return [
      expected === undefined
        ? `${entry.path} is not in the manifest`
        : `${entry.path} is ${found} and not ${expected}`,
    ];
  });
  return [...faults, ...[...listed.keys()].map((path) => `${path} is missing`)];
}

function essence(entry: TreeEntry | ManifestEntry): string {
  const owned = `of ${entry.owner}:${entry.group}`;
  switch (entry.kind) {
    case "file": {
      const digest = "content" in entry ? sha256(entry.content) : entry.sha256;
      return `file ${entry.mode} ${owned} ${digest.slice(0, 12)}`;
    }
    case "link":
      return `link to ${entry.target} ${owned}`;
    case "directory":
      return `directory ${entry.mode} ${owned}`;
  }
}
