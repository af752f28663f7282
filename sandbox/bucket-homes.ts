import type { ApiRequest } from "./api-request.ts";

/**
 * Remembers in which region each bucket was made. The emulator answers for every bucket in every region;
 * AWS does not, so without this a rebuild could read from a lost region unnoticed.
 */
export class BucketHomes {
  readonly #homes = new Map<string, string>();

  of(bucket: string | undefined): string | undefined {
    return bucket === undefined ? undefined : this.#homes.get(bucket);
  }

  /** Learns from a request that the emulator carried out. */
  learn({ service, action, bucket, body, region }: ApiRequest): void {
    if (service !== "s3" || bucket === undefined) return;
    if (action === "DeleteBucket") this.#homes.delete(bucket);
    if (action === "CreateBucket") this.#homes.set(bucket, locationConstraint(body) ?? region);
  }

  clear(): void {
    this.#homes.clear();
  }
}

function locationConstraint(body: Buffer): string | undefined {
  const found = /<LocationConstraint[^>]*>\s*([^<\s]+)\s*</.exec(body.toString())?.[1];
  return found === "EU" ? "eu-west-1" : found;
}
