import type { UserDataVariables } from "../../cloud-init/variables.ts";

/** Whole user-data variables that tests vary one thing of. */
export function someVariables(changes: Partial<UserDataVariables> = {}): UserDataVariables {
  return {
    environment: "shop",
    role: "web",
    server: "web",
    region: "eu-central-1",
    release: "aaaaaaaaaaaa-111111111111",
    bucket: "rekindle-shop-123456789012-eu-central-1",
    manifestKey: "releases/aaaaaaaaaaaa-111111111111/manifest.json",
    manifestVersion: "m1",
    manifestSha256: "1".repeat(64),
    hosts: "db-0=10.20.10.16 db=10.20.10.16",
    databases: "",
    ...changes,
  };
}
