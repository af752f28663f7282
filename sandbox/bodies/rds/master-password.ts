import { randomBytes } from "node:crypto";
import type { DBInstance } from "@aws-sdk/client-rds";
import type { Emulator } from "../../emulator.ts";
import { callJsonService } from "../../forward.ts";

/** The user and password that the emulator writes into every secret that RDS manages. */
const everybodys = { username: "admin", password: "P@55w0rd!" };

/**
 * The password in the secret that RDS manages for an instance. The emulator's is the same for all and of another user:
 * a random one takes its place, also when a new one is wanted.
 */
export async function managedPassword(
  emulator: Emulator,
  region: string,
  { MasterUserSecret, MasterUsername }: DBInstance,
  { renewed = false } = {},
): Promise<string> {
  const SecretId = MasterUserSecret!.SecretArn!;
  const call = (action: string, values: object) =>
    callJsonService(emulator, "secretsmanager", region, `secretsmanager.${action}`, { SecretId, ...values });
  const { SecretString } = (await call("GetSecretValue", {})) as { SecretString: string };
  const { username, password } = JSON.parse(SecretString) as typeof everybodys;
  if (username === MasterUsername && password !== everybodys.password && !renewed) return password;
  const made = randomBytes(24).toString("base64url");
  await call("PutSecretValue", {
    SecretString: JSON.stringify({ username: MasterUsername, password: made }),
    ClientRequestToken: randomBytes(16).toString("hex"),
  });
  return made;
}
