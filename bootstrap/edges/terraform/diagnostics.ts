import { isDiagnostic, type TerraformEvent } from "./events.ts";

/** Each error once, as Terraform words it: its summary, then what it is about, then its detail. No box characters. */
export function errorsOf(events: readonly TerraformEvent[], stderr: string): string[] {
  const structured = events.filter(isDiagnostic).flatMap(({ severity, summary, detail, about }) => {
    if (severity !== "error") return [];
    return [
      [about === "" ? summary : `${summary} (${about})`, detail].filter((part) => part !== "").join("\n"),
    ];
  });
  const errors = structured.length > 0 ? structured : errorBlocks(stderr);
  return [...new Set(errors)];
}

/** The `Error:` blocks of text for people; all of it when there is none. */
export function errorBlocks(text: string): string[] {
  const plain = text.replaceAll(ansi, "").replaceAll(box, "");
  const blocks = plain.split(/^(?=(?:Error|Warning): )/m).filter((block) => block.startsWith("Error: "));
  if (blocks.length === 0) return plain.trim() === "" ? [] : [plain.trim()];
  return blocks.map((block) =>
    block
      .slice("Error: ".length)
      .replaceAll(/\n{2,}/g, "\n")
      .trim(),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours start with the escape character
const ansi = /\u001b\[[0-9;]*m/g;
const box = /^[│╷╵] ?/gm;
