import type { TerraformProvider } from "cdktf";
import type { Environment, Site, Topology } from "../../bootstrap/config/schema.ts";
import type { Pins } from "../../bootstrap/recovery/pins.ts";

/** What every construct of a site is given: the code and the pins, and nothing else. */
export interface SiteProps {
  topology: Topology;
  pins: Pins;
  /** Of a site that keeps its databases' automated backups in another region too. */
  backupsTo?: BackupsTo | undefined;
}

/** The provider of the region that keeps them, and its key. */
export interface BackupsTo {
  provider: TerraformProvider;
  encryptionKey: string;
}

/** `rekindle-shop-recovery`, the name of what there is one of in a site. */
export function siteName({ topology, pins }: SiteProps): string {
  return `rekindle-${topology.environment.name}-${pins.site}`;
}

/** Zone letters of the site, in order. */
export function zonesOf(environment: Environment, site: Site): string[] {
  return Object.keys(environment.network[site].zones).sort();
}
