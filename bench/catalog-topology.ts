import type { Topology } from "../bootstrap/config/schema.ts";
import { aRole, aTopology } from "../test/builders.ts";

/** An environment whose one database server has ten volumes, and a usual retention. */
export function benchTopology(): Topology {
  const volumes = [..."fghijklmno"].map((letter, index) => ({
    name: `data-${index}`,
    device: `/dev/sd${letter}`,
    sizeGiB: 10,
  }));
  const storage = { layout: "striped", filesystem: "xfs", mount: "/var/lib/postgresql" };
  const retention = { keepHourly: 48, keepDaily: 30, keepWeekly: 12, keepMonthly: 24, keepYearly: 10 };
  return aTopology({ retention }, { db: aRole({ volumes, storage }) });
}
