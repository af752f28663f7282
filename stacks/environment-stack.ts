import { type App, TerraformStack } from "cdktf";
import { isCluster } from "../bootstrap/config/databases.ts";
import type { Site, Topology } from "../bootstrap/config/schema.ts";
import type { Pins } from "../bootstrap/recovery/pins.ts";
import type { Resolved } from "../bootstrap/recovery/synthesis.ts";
import { refuseToDeploy } from "./refusal.ts";
import { EnvironmentSite } from "./site/environment-site.ts";
import type { BackupsTo } from "./site/site.ts";
import { keepState, siteProvider } from "./terraform.ts";

/** `primary-stack` and `recovery-stack`: the provider of the site's region and one `EnvironmentSite`. */
export class EnvironmentStack extends TerraformStack {
  constructor(
    app: App,
    { topology, site, resolved }: { topology: Topology; site: Site; resolved: Resolved },
  ) {
    super(app, `${site}-stack`);
    keepState(this, topology.environment);
    if (resolved.kind === "refused") {
      siteProvider(this, topology.environment, site);
      refuseToDeploy(this, resolved.reasons);
      return;
    }
    const { pins } = resolved;
    siteProvider(this, topology.environment, site, { region: pins.region });
    new EnvironmentSite(this, "site", { topology, pins, backupsTo: this.#backupsTo(topology, pins) });
  }

  /** Its state is in that region as it is: no deployment of the primary needs it more for this. */
  #backupsTo({ environment }: Topology, { backupsTo }: Pins): BackupsTo | undefined {
    const isAsked = Object.values(environment.databases).some(
      (one) => !isCluster(one) && one.replicateBackups,
    );
    if (!isAsked || backupsTo === undefined) return undefined;
    const { region, encryptionKey } = backupsTo;
    return {
      provider: siteProvider(this, environment, "recovery", { alias: "backups", region }),
      encryptionKey,
    };
  }
}
