import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { withLength } from "./corrections.ts";
import type { Emulator } from "./emulator.ts";
import { forward } from "./forward.ts";
import type { StandIn } from "./stand-in.ts";

/**
 * Stands in for TLS, which a sandbox on the loopback interface does not have. The emulator reads a bucket policy's Deny
 * without its Condition, so that the TLS-only policy of every bucket would shut everyone out. Such a policy is kept here
 * as it was written, and given back when asked; the emulator gets it without the statements that refuse plain HTTP.
 */
export class TlsPolicyStandIn implements StandIn {
  readonly #kept = new Map<string, Buffer>();

  answer({ action, bucket }: ApiRequest): Answer | undefined {
    const policy = action === "GetBucketPolicy" ? this.#kept.get(bucket ?? "") : undefined;
    return policy && { status: 200, headers: ["Content-Type", "application/json"], body: policy };
  }

  async after(request: ApiRequest, _answer: Answer, emulator: Emulator): Promise<void> {
    const { action, bucket = "" } = request;
    if (action === "DeleteBucketPolicy" || action === "DeleteBucket") this.#kept.delete(bucket);
    if (action !== "PutBucketPolicy") return;
    this.#kept.delete(bucket);
    const reduced = withoutTlsStatements(request.body.toString());
    if (reduced === undefined) return;
    this.#kept.set(bucket, request.body);
    const body = Buffer.from(reduced.Statement.length === 0 ? "" : JSON.stringify(reduced));
    const method = body.length === 0 ? "DELETE" : "PUT";
    await forward(emulator, {
      ...request,
      method,
      body,
      rawHeaders: withLength(request.rawHeaders, body.length),
    });
  }

  reset(): void {
    this.#kept.clear();
  }
}

/** The policy without its statements against plain HTTP; nothing when it has none of them. */
function withoutTlsStatements(policy: string): { Statement: unknown[] } | undefined {
  const parsed = JSON.parse(policy) as { Statement: unknown };
  const statements = [parsed.Statement].flat();
  const Statement = statements.filter((statement) => !refusesPlainHttp(statement));
  return Statement.length === statements.length ? undefined : { ...parsed, Statement };
}

function refusesPlainHttp(statement: unknown): boolean {
  const { Effect, Condition } = statement as {
    Effect?: string;
    Condition?: { Bool?: Record<string, unknown> };
  };
  return Effect === "Deny" && String(Condition?.Bool?.["aws:SecureTransport"]) === "false";
}
