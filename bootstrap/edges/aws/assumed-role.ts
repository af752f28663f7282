import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected } from "./access.ts";

/** The same AWS with the rights of a role, of this account or another. Taken when the first call needs it. */
export function assumedRole(access: AwsAccess, role: string, region: string): AwsAccess {
  return {
    ...access,
    credentials: async () => {
      const sts = connected(new STSClient(clientConfig(access, region)), access, region);
      const asked = new AssumeRoleCommand({ RoleArn: role, RoleSessionName: "rekindle" });
      try {
        const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = (await sts.send(asked))
          .Credentials!;
        return {
          accessKeyId: AccessKeyId!,
          secretAccessKey: SecretAccessKey!,
          sessionToken: SessionToken!,
          ...(Expiration === undefined ? {} : { expiration: Expiration }),
        };
      } catch (cause) {
        if (cause instanceof RekindleError) throw cause;
        throw new RekindleError(
          "refused",
          `the role ${role} can't be taken (${(cause as Error).message}); let this account's identity take it, or correct copies.account`,
          { cause },
        );
      }
    },
  };
}
