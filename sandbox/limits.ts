/** What holds for every sandbox. */
const always: readonly string[] = [
  "Storage Gateway, Image Builder, image deprecation and fast snapshot restore are not there",
  "schedules, automations, builds of CodeBuild, plans and restore tests of AWS Backup and policies of DLM are kept and never run",
  "EBS's archive tier is the gateway's stand-in: it knows what lies there, and volumes are made of it all the same; no lifecycle moves anything into Glacier",
  "everything is in memory: stopping or restarting the sandbox forgets all of it",
  "most changes are done at once, so waiting times are shorter than AWS's",
  "automated backups reach another region every five seconds, where RDS takes five minutes, and so are newer there than AWS's",
  "policies are stored and not enforced, those of keys neither, and a disabled key encrypts; quotas and prices are not there",
  "what another account copies is a new volume, image or database with the source's description, for the emulator copies within an account only",
  "bucket names and signatures are not checked against other accounts",
  "a lost region resets connections after they were made: one port serves all regions, so it cannot refuse one of them",
];

const withoutBodies: readonly string[] = [
  "instances have no bodies: user-data is not run, nothing boots, no console but the gateway's stand-in for builders",
  "volumes, snapshots and databases hold no data: only their description is copied and restored",
  "load balancers answer no traffic, and their health checks look at nothing",
];

const withBodies: readonly string[] = [
  "every RDS PostgreSQL is Debian's PostgreSQL 15, whatever its version says, with its own settings and not its parameter group's; its storage does not grow",
  "a database is restored to a moment from an instance that is there or from what another region keeps of it, not from what a deleted one left in its own region",
  "clusters, read replicas and other kinds of databases hold no data: only their description is copied and restored",
  "a target is healthy or not by its last health check alone; load balancers speak plain text on the loopback interface",
  "an image holds its instance's root volume, and none of its data volumes",
  "security groups are not enforced: bodies of one region reach each other on every port",
];

/** Where the sandbox is not AWS. Printed by `start` and `status`, and part of every report that a sandbox made. */
export function limitsOf(engine: { name: string; limits: readonly string[] } | undefined): string[] {
  if (engine === undefined) return [...withoutBodies, ...always];
  const own = engine.limits.map((limit) => `engine ${engine.name}: ${limit}`);
  return [...own, ...withBodies, ...always];
}
