import type { Site } from "../../bootstrap/config/schema.ts";

/** Names of what only the stacks make; slashes keep a role `web-lb` and the load balancer of `web` apart. */
export function securityGroupName(
  environment: string,
  site: Site,
  kind: "role" | "load-balancer" | "database",
  name: string,
): string {
  return `rekindle/${environment}/${site}/${kind}/${name}`;
}
