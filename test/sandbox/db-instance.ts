import { CreateDBInstanceCommand, type RDSClient } from "@aws-sdk/client-rds";

/** A DB instance of the emulator, as RDS tells of it. */
export async function createInstance(rds: RDSClient, DBInstanceIdentifier: string) {
  const { DBInstance } = await rds.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier,
      DBInstanceClass: "db.t3.medium",
      Engine: "postgres",
      AllocatedStorage: 20,
      MasterUsername: "test",
      MasterUserPassword: "test-password",
    }),
  );
  return DBInstance!;
}
