import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** Parameters and secrets of one region, as they are read when they are needed. */
export interface Secrets {
  /** The value behind `ssm:<parameter>`, `secret:<name>` or `secret:<name>#<key>`. */
  read(reference: string): Promise<string>;
}

export function awsSecrets(access: AwsAccess, region: string): Secrets {
  const ssm = connected(new SSMClient(clientConfig(access, region)), access, region);
  const secrets = connected(new SecretsManagerClient(clientConfig(access, region)), access, region);
  return {
    async read(reference) {
      const [, kind, name, key] = /^(ssm|secret):([^#]+)(?:#(.+))?$/.exec(reference) ?? [];
      if (kind === undefined)
        throw new RekindleError(
          "bad-input",
          `${JSON.stringify(reference)} names no place of a secret; write ssm:<parameter> or secret:<name>#<key>`,
        );
      try {
        if (kind === "ssm") {
          const found = await ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
          return found.Parameter!.Value!;
        }
        const found = await secrets.send(new GetSecretValueCommand({ SecretId: name! }));
        return key === undefined
          ? wholeValue(found.SecretString!, reference)
          : valueUnder(found.SecretString!, key, reference);
      } catch (error) {
        if (!["ParameterNotFound", "ResourceNotFoundException"].includes(errorCode(error))) throw error;
        throw new RekindleError(
          "refused",
          `${reference} is not there in ${region}; put it there, or correct the name`,
          {
            cause: error,
          },
        );
      }
    },
  };
}

/** Nobody's password is a JSON object: its key was forgotten. */
function wholeValue(text: string, reference: string): string {
  if (!/^\s*\{/.test(text) || !isJson(text)) return text;
  throw new RekindleError(
    "bad-input",
    `${reference} holds several values; name one by its key, such as ${reference}#password`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function valueUnder(text: string, key: string, reference: string): string {
  let value: unknown;
  try {
    value = (JSON.parse(text) as Record<string, unknown>)[key];
  } catch {
    // Of what is no JSON, nothing is told: it is a secret.
  }
  if (typeof value === "string") return value;
  throw new RekindleError("refused", `${reference}: the secret has no text under ${JSON.stringify(key)}`);
}
