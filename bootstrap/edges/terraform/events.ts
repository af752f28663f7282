/** What an apply or a destroy did to resources. */
export interface ApplyResult {
  added: number;
  changed: number;
  destroyed: number;
}

/** One line of Terraform's `-json` output, or of plain text from commands that have none. */
export type TerraformEvent =
  | { kind: "text"; text: string }
  | { kind: "summary"; text: string; operation: string; result: ApplyResult }
  | Diagnostic;

export interface Diagnostic {
  kind: "diagnostic";
  severity: "error" | "warning";
  /** The first line for people: `Error: …`. */
  text: string;
  summary: string;
  detail: string;
  /** The resource or block it is about; empty when it is about none. */
  about: string;
}

/** Never fails: a line that is no event of Terraform's is text. */
export function readEvent(line: string): TerraformEvent {
  if (!line.startsWith("{")) return { kind: "text", text: line };
  let event: RawEvent;
  try {
    event = JSON.parse(line) as RawEvent;
  } catch {
    return { kind: "text", text: line };
  }
  const text = event["@message"] ?? "";
  if (event.type === "change_summary" && event.changes !== undefined) {
    const { add, change, remove, operation } = event.changes;
    return { kind: "summary", text, operation, result: { added: add, changed: change, destroyed: remove } };
  }
  if (event.type === "diagnostic" && event.diagnostic !== undefined) {
    const { severity, summary, detail, address, snippet } = event.diagnostic;
    return {
      kind: "diagnostic",
      severity,
      text,
      summary,
      detail: detail ?? "",
      about: address ?? snippet?.context ?? "",
    };
  }
  return { kind: "text", text };
}

export function isDiagnostic(event: TerraformEvent): event is Diagnostic {
  return event.kind === "diagnostic";
}

interface RawEvent {
  "@message"?: string;
  type?: string;
  changes?: { add: number; change: number; remove: number; operation: string };
  diagnostic?: {
    severity: "error" | "warning";
    summary: string;
    detail?: string;
    address?: string;
    snippet?: { context?: string | null };
  };
}
