import { type App, TerraformStack } from "cdktf";
import { furtherPlaces } from "../bootstrap/config/places.ts";
import type { Site, Topology } from "../bootstrap/config/schema.ts";
import { CopyFoundation } from "./foundation/copy-foundation.ts";
import { Identities } from "./foundation/identities.ts";
import { Replication } from "./foundation/replication.ts";
import { Schedules } from "./foundation/schedule/schedule.ts";
import { SiteFoundation } from "./foundation/site-foundation.ts";
import { keepState, placeProvider, siteProvider } from "./terraform.ts";

const sites: readonly Site[] = ["primary", "recovery"];

/**
 * `foundation-stack`: what must be there before the day, in both regions, so that a rebuild creates none of it. And in
 * every further place, so that copies can be made there.
 */
export class FoundationStack extends TerraformStack {
  constructor(app: App, topology: Topology) {
    super(app, "foundation-stack");
    const { environment } = topology;
    keepState(this, environment);
    const [primary, recovery] = sites.map((site) => {
      const provider = siteProvider(this, environment, site, { alias: site });
      const { bucket, key, vault } = new SiteFoundation(this, site, { environment, site, provider });
      return { provider, bucket, key, vault };
    });
    new Identities(this, "identities", {
      environment,
      provider: primary!.provider,
      keys: [primary!.key, recovery!.key],
    });
    for (const place of furtherPlaces(environment)) {
      const id = place.role === undefined ? `copies-${place.region}` : "vault";
      const provider = placeProvider(this, environment, place, id);
      new CopyFoundation(this, id, { environment, place, provider });
    }
    if (environment.protection?.replicate)
      new Replication(this, "replication", environment.name, [primary!, recovery!]);
    if (environment.schedule === undefined) return;
    const scheduled = [primary!, recovery!].map(({ provider, key, vault }) => ({
      provider,
      region: key.region,
      keyArn: key.arn,
      vault: { name: vault.name, arn: vault.arn },
    }));
    new Schedules(this, "schedule", { topology, sites: [scheduled[0]!, scheduled[1]!] });
  }
}
