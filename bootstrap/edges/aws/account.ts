import { DescribeKeyCommand, type KeyMetadata, KMSClient } from "@aws-sdk/client-kms";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { RekindleError } from "../../errors.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** Who we are in a region, and which key its data is encrypted with. */
export interface Account {
  /** The caller's ARN. Refuses credentials of any account but the environment's. Asks the given region's own STS. */
  demand(account: string, region: string): Promise<string>;
  /** ARN of the key behind an alias. */
  keyArn(region: string, alias: string): Promise<string>;
  /** The same, of a key that encrypts and decrypts now: a disabled one refuses all that it has encrypted. */
  usableKey(region: string, alias: string): Promise<string>;
}

export function awsAccount(access: AwsAccess): Account {
  async function describeKey(region: string, alias: string): Promise<KeyMetadata> {
    const kms = connected(new KMSClient(clientConfig(access, region)), access, region);
    try {
      return (await kms.send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata!;
    } catch (error) {
      if (errorCode(error) !== "NotFoundException") throw error;
      throw new RekindleError(
        "refused",
        `region ${region} has no key ${alias}; deploy the foundation first: npx cdktf deploy foundation-stack`,
        { cause: error },
      );
    }
  }

  return {
    async demand(account, region) {
      const sts = connected(new STSClient(clientConfig(access, region)), access, region);
      const identity = await sts.send(new GetCallerIdentityCommand({}));
      if (identity.Account === account) return identity.Arn!;
      throw new RekindleError(
        "refused",
        `these credentials (${identity.Arn}) belong to account ${identity.Account}, and the environment names ${account}; ` +
          "nothing was written; use a profile of that account",
      );
    },
    async keyArn(region, alias) {
      return (await describeKey(region, alias)).Arn!;
    },
    async usableKey(region, alias) {
      const { Arn, KeyState } = await describeKey(region, alias);
      if (KeyState === undefined || KeyState === "Enabled") return Arn!;
      throw new RekindleError(
        "refused",
        `the key ${alias} in ${region} is ${KeyState}: nothing that it encrypts can be read or made there; enable it, or cancel its deletion`,
      );
    },
  };
}
