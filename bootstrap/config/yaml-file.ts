import { isMap, isNode, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type { Fault, Place } from "../errors.ts";

/** A YAML file that remembers where everything stands. */
export interface YamlFile {
  path: string;
  /** Plain data; undefined when the text is no YAML. */
  value: unknown;
  /** What is wrong with the text itself. */
  faults: Fault[];
  /** Where the value at a path of keys stands; the nearest enclosing one when it is missing. */
  place(keys: readonly PropertyKey[]): Place;
  /** Where a key itself stands. */
  keyPlace(keys: readonly PropertyKey[], key: string): Place;
}

export function parseYamlFile(path: string, text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file: path, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const start = (node: unknown): Place => at(isNode(node) ? (node.range?.[0] ?? 0) : 0);
  const find = (keys: readonly PropertyKey[]): Node | null => {
    for (let depth = keys.length; depth > 0; depth--) {
      const found = document.getIn(keys.slice(0, depth), true);
      if (isNode(found)) return found;
    }
    return document.contents as Node | null;
  };
  return {
    path,
    value: document.errors.length === 0 ? document.toJS() : undefined,
    faults: document.errors.map(({ message, pos }) => ({
      place: at(pos[0]),
      message: `not valid YAML: ${message}`,
      move: "correct the text here",
    })),
    place: (keys) => start(find(keys)),
    keyPlace(keys, key) {
      const map = keys.length === 0 ? document.contents : document.getIn(keys, true);
      const pair = isMap(map)
        ? map.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key)
        : undefined;
      return pair === undefined ? start(map) : start(pair.key);
    },
  };
}
