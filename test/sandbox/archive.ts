import { CopyObjectCommand } from "@aws-sdk/client-s3";
import type { ObjectStore } from "../../bootstrap/edges/aws/objects.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import { clients } from "./clients.ts";

/** Moves an object's newest version into a Glacier class by a copy onto itself, since the emulator runs no lifecycles. */
export function archiveInS3(sandbox: () => Sandbox) {
  return async ({ bucket, region }: ObjectStore, key: string): Promise<void> => {
    const { s3 } = clients(sandbox().endpoint, region);
    const place = { Bucket: bucket, Key: key, CopySource: `${bucket}/${key}` };
    await s3.send(new CopyObjectCommand({ ...place, StorageClass: "GLACIER" }));
  };
}
