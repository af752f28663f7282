import { DescribeImagesCommand, EC2Client, paginateDescribeSnapshots } from "@aws-sdk/client-ec2";
import { DescribeKeyCommand, GenerateDataKeyWithoutPlaintextCommand, KMSClient } from "@aws-sdk/client-kms";
import { DescribeDBSnapshotsCommand, RDSClient } from "@aws-sdk/client-rds";
import type { Parts } from "../../status/recovery-checks.ts";
import { type AwsAccess, clientConfig, connected, errorCode } from "./access.ts";

/** Looks at the parts of a plan in its region, many in one call. A part that is gone is left out. */
export interface RecoveryParts {
  images(ids: readonly string[]): Promise<Parts>;
  snapshots(ids: readonly string[]): Promise<Parts>;
  databaseSnapshots(ids: readonly string[]): Promise<Parts>;
  /** Why the key can't encrypt for us now; nothing when it can. Raises when AWS does not say. */
  keyFault(arn: string): Promise<string | undefined>;
}

/** As many values as one filter takes. */
const filterLimit = 200;

export function recoveryParts(access: AwsAccess, region: string): RecoveryParts {
  const ec2 = connected(new EC2Client(clientConfig(access, region)), access, region);
  const rds = connected(new RDSClient(clientConfig(access, region)), access, region);
  const kms = connected(new KMSClient(clientConfig(access, region)), access, region);
  return {
    async images(ids) {
      const parts: [string, { state: string }][] = [];
      for (const Values of chunks(ids)) {
        // By a filter: by its id, one image that is gone would hide the others.
        const found = await ec2.send(new DescribeImagesCommand({ Filters: [{ Name: "image-id", Values }] }));
        for (const { ImageId, State } of found.Images ?? []) parts.push([ImageId!, { state: State! }]);
      }
      return new Map(parts);
    },
    async snapshots(ids) {
      const parts = new Map<string, { state: string; keyArn?: string }>();
      for (const Values of chunks(ids)) {
        const Filters = [{ Name: "snapshot-id", Values }];
        for await (const page of paginateDescribeSnapshots(
          { client: ec2 },
          { OwnerIds: ["self"], Filters },
        )) {
          for (const { SnapshotId, State, KmsKeyId } of page.Snapshots ?? [])
            parts.set(SnapshotId!, { state: State!, ...encryptedWith(KmsKeyId) });
        }
      }
      return parts;
    },
    async databaseSnapshots(ids) {
      const parts = new Map<string, { state: string; keyArn?: string }>();
      for (const id of ids) {
        try {
          const found = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }));
          for (const { Status, KmsKeyId } of found.DBSnapshots ?? [])
            parts.set(id, { state: Status!, ...encryptedWith(KmsKeyId) });
        } catch (error) {
          if (!["DBSnapshotNotFound", "DBSnapshotNotFoundFault"].includes(errorCode(error))) throw error;
        }
      }
      return parts;
    },
    async keyFault(KeyId) {
      try {
        const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId }));
        if (KeyMetadata?.KeyState !== "Enabled")
          return `it is ${KeyMetadata?.KeyState ?? "of no known state"}`;
        // Asks whether it would be done. The emulator knows no dry run and does it, which changes nothing.
        await kms.send(
          new GenerateDataKeyWithoutPlaintextCommand({ KeyId, KeySpec: "AES_256", DryRun: true }),
        );
        return undefined;
      } catch (error) {
        const code = errorCode(error);
        if (code === "DryRunOperationException") return undefined;
        if (!unusable.includes(code)) throw error;
        return (error as Error).message;
      }
    },
  };
}

/** What KMS calls a key that is there and not for us now, or gone. */
const unusable = [
  "AccessDeniedException",
  "DisabledException",
  "KMSInvalidStateException",
  "NotFoundException",
];

function encryptedWith(keyArn: string | undefined): { keyArn?: string } {
  return keyArn === undefined || keyArn === "" ? {} : { keyArn };
}

function chunks(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / filterLimit) }, (_, index) =>
    ids.slice(index * filterLimit, (index + 1) * filterLimit),
  );
}
