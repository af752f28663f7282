import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";
import { ownCallHeader } from "./own-call.ts";

/** Between two neighbours only; the body is sent whole, so its length replaces any chunking. */
const hopByHop = new Set(["connection", "keep-alive", "transfer-encoding", "proxy-connection", "expect"]);

/** Sends a request on as it came: the emulator needs the original Host, path and signature. */
export async function forward(emulator: Emulator, request: ApiRequest): Promise<Answer> {
  const { method, url, rawHeaders, body } = request;
  const headers = without(rawHeaders, hopByHop);
  const chunked = request.headers["transfer-encoding"] !== undefined;
  if (chunked) headers.push("Content-Length", String(body.length));
  const answer = await emulator.call({ method, url, headers, body });
  const dropped = method === "HEAD" ? hopByHop : new Set([...hopByHop, "content-length"]);
  return { ...answer, headers: without(answer.headers, dropped) };
}

/** A call of the gateway's own, to a service of the query protocol; `accessKey` is of the account that it is made for. */
export async function callQueryService(
  emulator: Emulator,
  service: string,
  region: string,
  parameters: Record<string, string>,
  accessKey = "GATEWAY",
): Promise<string> {
  const body = new URLSearchParams(parameters).toString();
  const headers = ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"];
  const scope = { service, region, accessKey };
  return await callService(emulator, scope, parameters.Action ?? "", body, headers);
}

/** The same to a service of the JSON protocol. */
export async function callJsonService(
  emulator: Emulator,
  service: string,
  region: string,
  target: string,
  values: object,
): Promise<unknown> {
  const headers = ["Content-Type", "application/x-amz-json-1.1", "X-Amz-Target", target];
  const scope = { service, region, accessKey: "GATEWAY" };
  return JSON.parse(await callService(emulator, scope, target, JSON.stringify(values), headers));
}

/** The emulator reads the scope and checks no signature. */
async function callService(
  emulator: Emulator,
  { service, region, accessKey }: { service: string; region: string; accessKey: string },
  action: string,
  body: string,
  headers: readonly string[],
): Promise<string> {
  const scope = `${accessKey}/20200101/${region}/${service}/aws4_request`;
  const answer = await emulator.call({
    method: "POST",
    url: "/",
    headers: [
      "Host",
      `127.0.0.1:${emulator.port}`,
      ...ownCallHeader,
      "Authorization",
      `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
      "Content-Length",
      String(Buffer.byteLength(body)),
      ...headers,
    ],
    body: Buffer.from(body),
  });
  const text = answer.body.toString();
  if (answer.status >= 400) throw new Error(`${action} in ${region} answered ${answer.status}: ${text}`);
  return text;
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (!names.has(headers[index]!.toLowerCase())) kept.push(headers[index]!, headers[index + 1]!);
  }
  return kept;
}
