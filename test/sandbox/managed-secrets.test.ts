import { ModifyDBInstanceCommand } from "@aws-sdk/client-rds";
import { expect, test } from "vitest";
import { clients } from "./clients.ts";
import { createInstance } from "./db-instance.ts";
import { runningSandbox } from "./gateway.ts";

const sandbox = runningSandbox();

test("a DB instance keeps the secret that RDS manages when that is asked for again", async () => {
  const { rds } = clients(sandbox().endpoint, "eu-west-1");
  const DBInstanceIdentifier = "ledger";
  await createInstance(rds, DBInstanceIdentifier);
  const managed = async () => {
    const asked = { DBInstanceIdentifier, ManageMasterUserPassword: true };
    const { DBInstance } = await rds.send(new ModifyDBInstanceCommand(asked));
    return DBInstance!.MasterUserSecret!.SecretArn;
  };
  expect(await managed()).toBe(await managed());
});
