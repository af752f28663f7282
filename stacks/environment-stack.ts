import { type App, TerraformStack } from "cdktf";
import type { Site, Topology } from "../bootstrap/config/schema.ts";
import type { Resolved } from "../bootstrap/recovery/synthesis.ts";
import { refuseToDeploy } from "./refusal.ts";
import { EnvironmentSite } from "./site/environment-site.ts";
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
    new EnvironmentSite(this, "site", { topology, pins });
  }
}
