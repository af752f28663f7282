/** Where the sandbox is not AWS. Printed by `start` and `status`, and part of every report that a sandbox made. */
export const limits: readonly string[] = [
  "instances have no bodies: user-data is not run, nothing boots, no console but the gateway's stand-in for builders",
  "volumes, snapshots and databases hold no data: only their description is copied and restored",
  "load balancers answer no traffic, and their health checks look at nothing",
  "Storage Gateway, DLM, Image Builder, image deprecation, fast snapshot restore and Backup selections are not there",
  "everything is in memory: stopping or restarting the sandbox forgets all of it",
  "most changes are done at once, so waiting times are shorter than AWS's",
  "policies are stored and not enforced; quotas and prices are not there",
  "bucket names and signatures are not checked against other accounts",
  "a lost region resets connections after they were made: one port serves all regions, so it cannot refuse one of them",
];
