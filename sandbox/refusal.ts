/** What the gateway refuses in a service's place: becomes an answer as the service itself would write it. */
export class Refusal extends Error {
  readonly code: string;

  /** `code` as the service names it. Clients repeat no refusal: it is the request's own fault, or would come again. */
  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
