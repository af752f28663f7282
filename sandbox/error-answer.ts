import type { Answer } from "./answer.ts";
import type { ApiRequest, Protocol } from "./api-request.ts";
import { xmlText } from "./xml-text.ts";

/** What went wrong, apart from how a protocol writes it. */
export type Problem =
  | { kind: "throttle" }
  | { kind: "internal" }
  | { kind: "unavailable"; message: string }
  | { kind: "invalid"; message: string }
  | { kind: "no-room"; instanceType: string }
  | { kind: "refused"; code: string; message: string };

interface Written {
  status: number;
  code: string;
}

const codes: Record<Exclude<Problem["kind"], "refused" | "no-room">, Record<Protocol, Written>> = {
  throttle: {
    ec2: { status: 503, code: "RequestLimitExceeded" },
    query: { status: 400, code: "Throttling" },
    json: { status: 400, code: "ThrottlingException" },
    "rest-json": { status: 429, code: "ThrottlingException" },
    "rest-xml": { status: 400, code: "Throttling" },
    s3: { status: 503, code: "SlowDown" },
  },
  internal: {
    ec2: { status: 500, code: "InternalError" },
    query: { status: 500, code: "InternalFailure" },
    json: { status: 500, code: "InternalServerError" },
    "rest-json": { status: 500, code: "InternalServerError" },
    "rest-xml": { status: 500, code: "InternalFailure" },
    s3: { status: 500, code: "InternalError" },
  },
  unavailable: {
    ec2: { status: 503, code: "Unavailable" },
    query: { status: 503, code: "ServiceUnavailable" },
    json: { status: 503, code: "ServiceUnavailableException" },
    "rest-json": { status: 503, code: "ServiceUnavailableException" },
    "rest-xml": { status: 503, code: "ServiceUnavailable" },
    s3: { status: 503, code: "ServiceUnavailable" },
  },
  invalid: {
    ec2: { status: 400, code: "InvalidParameterValue" },
    query: { status: 400, code: "InvalidParameterValue" },
    json: { status: 400, code: "ValidationException" },
    "rest-json": { status: 400, code: "ValidationException" },
    "rest-xml": { status: 400, code: "InvalidInput" },
    s3: { status: 400, code: "InvalidRequest" },
  },
};

/** Writes a problem as the service itself would, so that SDKs and Terraform read it as AWS's own. */
export function errorAnswer(request: ApiRequest, problem: Problem): Answer {
  const { status, code } = writtenAs(request, problem);
  const message = messageOf(problem);
  const { type, text, extra = [] } = write(request, code, message, status);
  return {
    status,
    headers: ["Content-Type", type, "x-amzn-RequestId", requestId, ...extra],
    body: Buffer.from(request.method === "HEAD" ? "" : text),
  };
}

function writtenAs({ protocol }: ApiRequest, problem: Problem): Written {
  switch (problem.kind) {
    case "refused":
      return { status: 400, code: problem.code };
    case "no-room":
      return { status: 500, code: "InsufficientInstanceCapacity" };
    default:
      return codes[problem.kind][protocol];
  }
}

const requestId = "rekindle-gateway";

function messageOf(problem: Problem): string {
  switch (problem.kind) {
    case "throttle":
      return "Rate exceeded (injected by the sandbox)";
    case "internal":
      return "An internal error has occurred (injected by the sandbox)";
    case "no-room":
      return `We currently do not have sufficient ${problem.instanceType} capacity in the Availability Zone you requested (injected by the sandbox)`;
    default:
      return problem.message;
  }
}

function write(
  { protocol, headers, path }: ApiRequest,
  code: string,
  message: string,
  status: number,
): { type: string; text: string; extra?: string[] } {
  const fields = `<Code>${code}</Code><Message>${xmlText(message)}</Message>`;
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
  switch (protocol) {
    case "ec2":
      return {
        type: "text/xml;charset=UTF-8",
        text: `${head}<Response><Errors><Error>${fields}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      };
    case "query":
    case "rest-xml":
      return {
        type: "text/xml",
        text: `${head}<ErrorResponse><Error><Type>${status < 500 ? "Sender" : "Receiver"}</Type>${fields}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      };
    case "s3":
      return {
        type: "application/xml",
        text: `${head}<Error>${fields}<Resource>${xmlText(path)}</Resource><RequestId>${requestId}</RequestId></Error>`,
      };
    case "json":
      return {
        type: headers["content-type"] ?? "application/x-amz-json-1.1",
        text: JSON.stringify({ __type: code, message }),
        extra: ["x-amzn-ErrorType", code],
      };
    case "rest-json":
      return {
        type: "application/json",
        text: JSON.stringify({ message }),
        extra: ["x-amzn-ErrorType", code],
      };
  }
}
