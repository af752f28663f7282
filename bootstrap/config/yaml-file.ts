import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import type { Fault, Place } from "../errors.ts";
import { show } from "./expectation.ts";

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
  const notYaml = (offset: number, message: string): Fault => {
    const found = lineFrom(text, offset);
    return {
      place: at(offset),
      message: `not valid YAML${found === "" ? "" : ` at ${show(found)}`}: ${message}`,
      move: "correct the text here",
    };
  };
  // A tag that nobody knows is only a warning to the parser, which then guesses: here nothing is guessed.
  const faults = [...document.errors, ...document.warnings].map(({ message, pos }) =>
    notYaml(pos[0], inWords(message)),
  );
  // A byte that is no UTF-8 became this sign when the file was read.
  const lost = text.indexOf("\ufffd");
  if (lost >= 0) faults.push(notYaml(lost, "the file is not in UTF-8"));
  faults.push(...unreadableNodes(document).map(({ offset, message }) => notYaml(offset, message)));
  return {
    path,
    ...plainData(document, faults, notYaml),
    place(keys) {
      const { node, depth } = find(document, keys);
      // What is missing from an empty value, `regions:` alone, is shown at the key: the value has no text.
      const isEmpty = depth > 0 && isScalar(node) && node.source === "";
      return isEmpty ? this.keyPlace(keys.slice(0, depth - 1), String(keys[depth - 1])) : start(node);
    },
    keyPlace(keys, key) {
      const { node, depth } = find(document, keys);
      return start((depth === keys.length ? pairOf(node, key)?.key : undefined) ?? node);
    },
  };
}

/** The node at a path of keys, or the nearest above it that there is. */
function find(document: Document.Parsed, keys: readonly PropertyKey[]): { node: unknown; depth: number } {
  let node: unknown = document.contents;
  for (const [depth, key] of keys.entries()) {
    const inner = isSeq(node) ? node.items[Number(key)] : pairOf(node, String(key))?.value;
    if (!isNode(inner)) return { node, depth };
    node = inner;
  }
  return { node, depth: keys.length };
}

/** Compares keys as text, as plain data does: `1: x` has the key "1". */
function pairOf(node: unknown, key: string): Pair | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
}

/** Parts that parse and yet can't become plain data with text keys. */
function unreadableNodes(document: Document.Parsed): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  const anchors = new Set<string>();
  const offset = (node: Node) => node.range?.[0] ?? 0;
  visit(document, {
    Node(_key, node) {
      if ("anchor" in node && node.anchor !== undefined) anchors.add(node.anchor);
    },
    Alias(_key, alias) {
      if (!anchors.has(alias.source))
        found.push({ offset: offset(alias), message: `nothing above is anchored as &${alias.source}` });
    },
    Pair(_key, { key }) {
      if (isCollection(key)) found.push({ offset: offset(key), message: "a key is a list or a map" });
    },
  });
  return found;
}

function plainData(
  document: Document.Parsed,
  faults: Fault[],
  notYaml: (offset: number, message: string) => Fault,
): Pick<YamlFile, "value" | "faults"> {
  if (faults.length > 0) return { value: undefined, faults };
  try {
    return { value: document.toJS(), faults };
  } catch (error) {
    // Aliases that multiply without end, and merge keys of other things than maps.
    return { value: undefined, faults: [notYaml(0, (error as Error).message)] };
  }
}

/** What stands at a place, to the end of its line. */
function lineFrom(text: string, offset: number): string {
  return text.slice(offset).split(/\r?\n/, 1)[0]!.trimEnd();
}

function inWords(message: string): string {
  return /multiple documents/.test(message)
    ? "a second document begins here, and one file holds one"
    : message;
}
