import type { RequestListener } from "node:http";
import { type Answer, send } from "../answer.ts";
import { type ApiRequest, readApiRequest } from "../api-request.ts";
import { errorAnswer } from "../error-answer.ts";
import { Refusal } from "../refusal.ts";

/** What a rehearsed server finds in AWS. */
export interface Provisions {
  /** Content by `<bucket>/<key>`. */
  objects: ReadonlyMap<string, Uint8Array>;
  /** SSM parameters by name. */
  parameters: ReadonlyMap<string, string>;
  /** Secrets by id. */
  secrets: ReadonlyMap<string, string>;
}

export interface Listener {
  /** The report of the server's boot, as it was put into the bucket. */
  reported(report: string): void;
  /** A call that is not stood in for. */
  refused(call: string): void;
}

/**
 * As much of AWS as one server's boot asks for: it fetches objects, reads parameters and secrets, puts its report and
 * tags itself. All else is refused by name. Neither signatures nor permissions are checked.
 */
export function awsOfOneServer(provisions: Provisions, listener: Listener): RequestListener {
  return async (incoming, response) => {
    try {
      const request = await readApiRequest(incoming);
      send(response, answerOrRefuse(request));
    } catch {
      // The server has ended in the middle of its request.
      response.destroy();
    }
  };

  function answerOrRefuse(request: ApiRequest): Answer {
    try {
      return answer(request);
    } catch (error) {
      const { code = "InternalError", message } = error as Refusal;
      return errorAnswer(request, { kind: "refused", code, message });
    }
  }

  function answer({ service, action, path, body }: ApiRequest): Answer {
    const name = decodeURIComponent(path).slice(1);
    switch (`${service} ${action}`) {
      case "s3 GetObject":
        return ok(found(provisions.objects.get(name), "NoSuchKey", name));
      case "s3 PutObject":
        if (!name.includes("/reports/")) break;
        listener.reported(body.toString());
        return ok("");
      case "ssm GetParameter": {
        const { Name = "" } = JSON.parse(body.toString()) as { Name?: string };
        const Value = found(provisions.parameters.get(Name), "ParameterNotFound", Name);
        return ok(JSON.stringify({ Parameter: { Name, Type: "SecureString", Value, Version: 1 } }));
      }
      case "secretsmanager GetSecretValue": {
        const { SecretId = "" } = JSON.parse(body.toString()) as { SecretId?: string };
        const SecretString = found(provisions.secrets.get(SecretId), "ResourceNotFoundException", SecretId);
        return ok(JSON.stringify({ Name: SecretId, SecretString }));
      }
      case "ec2 CreateTags":
        return ok("<CreateTagsResponse><return>true</return></CreateTagsResponse>");
    }
    const call = `${service} ${action}`;
    listener.refused(call);
    throw new Refusal("NotImplemented", `${call} is not stood in for in the rehearsal of one server`);
  }
}

function found<T>(value: T | undefined, code: string, name: string): T {
  if (value === undefined) throw new Refusal(code, `there is no ${name}`);
  return value;
}

function ok(body: string | Uint8Array): Answer {
  return { status: 200, headers: [], body: Buffer.from(body as string) };
}
