import type { ServerResponse } from "node:http";

/** An HTTP answer, whole. Headers are name and value in turn, as they came. */
export interface Answer {
  status: number;
  headers: string[];
  body: Buffer;
}

export function jsonAnswer(status: number, value: unknown): Answer {
  return {
    status,
    headers: ["Content-Type", "application/json"],
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}

/** Sends it with its length. The emulator's own length stands for HEAD, where there is no body to measure. */
export function send(response: ServerResponse, answer: Answer): void {
  const withLength = answer.headers.some(
    (name, index) => index % 2 === 0 && name.toLowerCase() === "content-length",
  );
  response.writeHead(
    answer.status,
    withLength ? answer.headers : [...answer.headers, "Content-Length", String(answer.body.length)],
  );
  response.end(answer.body);
}
