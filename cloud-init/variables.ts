/**
 * What a server's user-data template may refer to, as `{{name}}`. Every value is one line of plain text:
 * letters, digits and `-_./:=,@` and spaces, so that it is safe in YAML and in a POSIX shell's single quotes.
 */
export interface UserDataVariables {
  environment: string;
  role: string;
  /** `db-0`; for a fleet, the role's name. */
  server: string;
  region: string;
  release: string;
  /** Bucket of the server's own region. */
  bucket: string;
  manifestKey: string;
  manifestVersion: string;
  manifestSha256: string;
  /** Fixed servers of the site, `db-0=10.0.0.16 app-0=10.0.0.17`; single-server roles also by role name. */
  hosts: string;
  /** Databases and the SSM parameters that hold their endpoints: `ledger=/rekindle/…/endpoint`. */
  databases: string;
}
