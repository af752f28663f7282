import type { ApiRequest } from "./api-request.ts";

/** Where the emulator understands a request otherwise than AWS does, the request is written so that it does what AWS would. */
export function corrected(request: ApiRequest): ApiRequest {
  if (request.service === "ec2" && request.action === "RunInstances") return withDefaultInterfaceEnd(request);
  if (request.service === "backup" && /^\/tags\/[^/]+$/.test(request.path)) return withSlash(request);
  return request;
}

/** An interface that is made at launch goes with its instance unless told otherwise; the emulator keeps it, and its address. */
function withDefaultInterfaceEnd(request: ApiRequest): ApiRequest {
  const form = new URLSearchParams(request.form);
  const indexes = new Set(
    [...form.keys()].flatMap((name) => /^NetworkInterface\.(\d+)\./.exec(name)?.[1] ?? []),
  );
  for (const index of indexes) {
    const isExisting = form.has(`NetworkInterface.${index}.NetworkInterfaceId`);
    const name = `NetworkInterface.${index}.DeleteOnTermination`;
    if (!isExisting && !form.has(name)) form.set(name, "true");
  }
  return withForm(request, form);
}

/** The same request with other parameters. */
export function withForm(request: ApiRequest, form: URLSearchParams): ApiRequest {
  const body = Buffer.from(form.toString());
  return { ...request, form, body, rawHeaders: withLength(request.rawHeaders, body.length) };
}

/** The emulator knows the tags of a vault only under a path that ends with a slash. */
function withSlash(request: ApiRequest): ApiRequest {
  return { ...request, path: `${request.path}/`, url: request.url.replace(request.path, `${request.path}/`) };
}

/** The headers, with the length of another body. */
export function withLength(rawHeaders: readonly string[], length: number): string[] {
  return rawHeaders.map((value, index) =>
    index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === "content-length" ? String(length) : value,
  );
}
