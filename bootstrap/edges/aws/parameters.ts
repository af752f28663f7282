import { DeleteParametersCommand, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** Parameters of one region: the secret ones that a rehearsal makes for its servers, and those that lead to databases. */
export interface Parameters {
  readonly region: string;
  /** Writes an encrypted parameter; one that is there keeps its value. */
  put(name: string, value: string): Promise<void>;
  /** Writes a plain parameter over the value that it has. */
  move(name: string, value: string): Promise<void>;
  /** Those that are gone already are fine. */
  remove(names: readonly string[]): Promise<void>;
}

/** As many as AWS deletes in one call. */
const batch = 10;

export function ssmParameters(access: AwsAccess, region: string): Parameters {
  const ssm = connected(new SSMClient(clientConfig(access, region)), access, region);
  return {
    region,
    async put(Name, Value) {
      try {
        await ssm.send(new PutParameterCommand({ Name, Value, Type: "SecureString" }));
      } catch (error) {
        if ((error as Error).name !== "ParameterAlreadyExists") throw error;
      }
    },
    async move(Name, Value) {
      await ssm.send(new PutParameterCommand({ Name, Value, Type: "String", Overwrite: true }));
    },
    async remove(names) {
      for (let from = 0; from < names.length; from += batch)
        await ssm.send(new DeleteParametersCommand({ Names: names.slice(from, from + batch) }));
    },
  };
}
