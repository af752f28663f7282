/**
 * What bringing things back from cold storage takes and costs. List prices of us-east-1 in US dollars; other regions
 * differ, and so may a contract: an estimate, never a bill. From AWS's own pages, looked up on 2026-11-27:
 * docs.aws.amazon.com/ebs/latest/userguide/snapshot-archive-pricing.html (snapshots),
 * repost.aws/knowledge-center/s3-manage-data-retrieval (S3's requests), and
 * docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html (S3's hours).
 */
export const prices = {
  lookedUp: "2026-11-27",
  region: "us-east-1",
  /** A GiB that leaves EBS's archive tier; while it is thawed it is also billed as an ordinary snapshot. */
  snapshotThawPerGiB: 0.03,
  snapshotPerGiBMonth: 0.05,
  /** An expedited request, which is what is tried first; the bytes of a release are too few to count. */
  objectRequest: 0.01,
  /** What an expedited retrieval takes for a GB of a dump; while it is thawed it is also billed as an ordinary object. */
  objectThawPerGb: 0.03,
  objectPerGbMonth: 0.023,
} as const;

export const snapshotHours = 72;
/** S3 keeps what was thawed for so long. */
export const objectDays = 7;
export const objectHours = { fast: "1 to 5 minutes", slow: "3 to 12 hours" } as const;

export interface ThawEstimate {
  /** At most: an archived snapshot holds what was written, and its volume may be larger. */
  snapshotGiB: number;
  snapshotUsd: number;
  /** For as long as the thaw lasts, beside the archive's own storage. */
  storageUsd: number;
  objects: number;
  objectsUsd: number;
}

export function estimateThaw(snapshotGiB: number, objects: number, days: number): ThawEstimate {
  return {
    snapshotGiB,
    snapshotUsd: cents(snapshotGiB * prices.snapshotThawPerGiB),
    storageUsd: cents((snapshotGiB * prices.snapshotPerGiBMonth * days) / 30),
    objects,
    objectsUsd: cents(objects * prices.objectRequest),
  };
}

/** A dump's parts, of which the bytes count too. */
export function estimateDumpThaw(bytes: number, objects: number): ThawEstimate {
  const gb = bytes / 1e9;
  return {
    ...estimateThaw(0, objects, objectDays),
    objectsUsd: cents(objects * prices.objectRequest + gb * prices.objectThawPerGb),
    storageUsd: cents((gb * prices.objectPerGbMonth * objectDays) / 30),
  };
}

export function describeDumpEstimate({ objects, objectsUsd, storageUsd }: ThawEstimate): string[] {
  if (objects === 0) return [];
  return [
    `parts: ${objectHours.fast}, or ${objectHours.slow} where S3 has no fast way; ${objects} requests and their bytes: ${usd(objectsUsd)}, and ${usd(storageUsd)} for ${objectDays} days`,
    estimateOnly,
  ];
}

const estimateOnly = `(list prices of ${prices.region}, looked up on ${prices.lookedUp}: an estimate)`;

export function describeEstimate(estimate: ThawEstimate, days: number): string[] {
  const { snapshotGiB, snapshotUsd, storageUsd, objects, objectsUsd } = estimate;
  return [
    ...(snapshotGiB === 0
      ? []
      : [
          `snapshots: within ${snapshotHours} hours; ${snapshotGiB} GiB at most: ${usd(snapshotUsd)}, and ${usd(storageUsd)} for ${days} days`,
        ]),
    ...(objects === 0
      ? []
      : [
          `objects of the release: ${objectHours.fast}, or ${objectHours.slow} where S3 has no fast way; ${objects} requests: ${usd(objectsUsd)}`,
        ]),
    ...(snapshotGiB + objects === 0 ? [] : [estimateOnly]),
  ];
}

function cents(dollars: number): number {
  return Math.round(dollars * 100) / 100;
}

function usd(dollars: number): string {
  return `${dollars.toFixed(2)} USD`;
}
