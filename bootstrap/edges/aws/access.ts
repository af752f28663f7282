import { emulatorEndedHeader } from "../../../sandbox/protocol.ts";
import { RekindleError } from "../../errors.ts";
import type { Stopwatch } from "../stopwatch.ts";

/** How to reach AWS: the SDK's own environment and profile, unless a sandbox says otherwise. */
export interface AwsAccess {
  endpoint?: string;
  /** As they are, or as they are fetched whenever those before have ended. */
  credentials?: Credentials | (() => Promise<Credentials>);
  /** Told of every call, so that reports can say how long AWS took. */
  stopwatch: Stopwatch;
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** What every SDK client is built with. Regions are always named: none is ever taken from the environment. */
export function clientConfig(access: AwsAccess, region: string) {
  return {
    region,
    maxAttempts: 4,
    // A lost region may answer nothing at all; without limits a command would wait for it for ever.
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
    ...(access.credentials === undefined ? {} : { credentials: access.credentials }),
  };
}

interface WithMiddleware {
  middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<unknown>,
        call: { clientName?: string; commandName?: string },
      ) => (args: never) => Promise<unknown>,
      options: object,
    ): void;
  };
}

/** Puts the stopwatch around every call of a client, and says in a user's words which one failed and why. */
export function connected<C>(client: C, access: AwsAccess, region: string): C {
  (client as unknown as WithMiddleware).middlewareStack.add(
    (next, { clientName, commandName }) =>
      async (args) => {
        try {
          return await access.stopwatch.during("aws", () => next(args));
        } catch (error) {
          if (isNetworkFailure(error)) throw unreachableRegion(region, access, error);
          const ended = whyEmulatorEnded(error);
          if (ended !== undefined) throw withoutEmulator(access, ended, error);
          if (noCredentials.has(errorCode(error))) throw withoutCredentials(error as Error);
          throw naming(
            `${clientName?.replace(/Client$/, "")} ${commandName?.replace(/Command$/, "")} in ${region}`,
            error,
          );
        }
      },
    { step: "initialize", name: "rekindleConnection" },
  );
  return client;
}

/** The same error, for callers look at its code; its message says which call it answers. */
function naming(call: string, error: unknown): unknown {
  if (error instanceof Error && "$metadata" in error) {
    const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
    // What the SDK says of an answer without a body, as those to HEAD are.
    const isSilent = error.message === "UnknownError" || error.message === "";
    error.message = `${call}: ${isSilent ? `HTTP status ${httpStatusCode}` : error.message}`;
  }
  return error;
}

/** The service's own name for an error, such as `NoSuchBucket`; empty for anything else. */
export function errorCode(error: unknown): string {
  if (error === null || typeof error !== "object") return "";
  const { name, Code } = error as { name?: unknown; Code?: unknown };
  return String(Code ?? name ?? "");
}

const busyCodes = new Set([
  "ResourceLimitExceeded",
  "RequestLimitExceeded",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "SlowDown",
]);

/** True when AWS would do it later: too many calls, or too many of the same kind under way. */
export function isBusy(error: unknown): boolean {
  return busyCodes.has(errorCode(error));
}

const networkCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "EHOSTUNREACH",
]);

function isNetworkFailure(error: unknown): boolean {
  const { code, name } = error as { code?: string; name?: string };
  return networkCodes.has(code ?? "") || name === "TimeoutError";
}

function whyEmulatorEnded(error: unknown): string | undefined {
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  return $response?.headers?.[emulatorEndedHeader];
}

function withoutEmulator(access: AwsAccess, ended: string, cause: unknown): RekindleError {
  return new RekindleError(
    "unreachable",
    `the emulator of the sandbox at ${access.endpoint} has ended (${ended}), and all in it is lost; start it again: rekindle sandbox start`,
    { cause },
  );
}

/** What the SDK calls it when no source of credentials has any, a profile is not there, or its login has ended. */
const noCredentials = new Set(["CredentialsProviderError", "TokenProviderError", "ProviderError"]);

function withoutCredentials(cause: Error): RekindleError {
  return new RekindleError(
    "refused",
    `there are no AWS credentials to use (${cause.message}); nothing was called; log in to the environment's account ` +
      'or name a profile in AWS_PROFILE; for the sandbox: eval "$(npx rekindle sandbox env)"',
    { cause },
  );
}

function unreachableRegion(region: string, access: AwsAccess, cause: unknown): RekindleError {
  const where = access.endpoint === undefined ? "AWS" : `the sandbox at ${access.endpoint}`;
  return new RekindleError(
    "unreachable",
    `${where} does not answer for region ${region} (${(cause as Error).message || errorCode(cause)}); ` +
      "look at the region's health and at this machine's network, then run the command again",
    { cause },
  );
}
