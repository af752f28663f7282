import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Connection } from "../bootstrap/dump/connection.ts";
import { scratchServer } from "../bootstrap/edges/databases/scratch.ts";
import { region, shellOf, withSandbox } from "./emulator.ts";
import { type Cost, measure, median } from "./measure.ts";
import type { Row } from "./table.ts";

/**
 * Streaming a PostgreSQL into a bucket and back into fresh databases, beside a pipe of PostgreSQL's own programs and the
 * AWS command line. Rekindle also counts every table's rows on both ways, and checks the digest on the way back.
 */
export async function dumping(rows: number): Promise<Row[]> {
  const never = new AbortController().signal;
  const { connection, remove } = await scratchServer("postgres", tmpdir(), never, [
    "-c",
    "shared_buffers=512MB",
  ]);
  try {
    const psql = (sql: string, database: string) =>
      measure([
        "sh",
        "-c",
        `${path}; exec psql -qX -v ON_ERROR_STOP=1 ${to(connection)} -d ${database} -c "$1"`,
        "sh",
        sql,
      ]);
    await psql("CREATE DATABASE bench", "postgres");
    await psql(
      `CREATE TABLE orders AS SELECT i AS id, now() + i * interval '1 second' AS at, md5(i::text) || md5((i * 7)::text) AS body, (i * 7919) % 100003 AS customer FROM generate_series(1, ${rows}) i;
ALTER TABLE orders ADD PRIMARY KEY (id); CREATE INDEX ON orders (customer); ANALYZE orders;`,
      "bench",
    );
    return await withSandbox(async (sandbox) => {
      const s3 = new S3Client({
        endpoint: sandbox.endpoint,
        region,
        credentials: { accessKeyId: "test", secretAccessKey: "test" },
        forcePathStyle: true,
      });
      for (const Bucket of ["rekindle", "pipe"]) {
        await s3.send(
          new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }),
        );
        await s3.send(
          new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
        );
        await s3.send(
          new PutBucketEncryptionCommand({
            Bucket,
            ServerSideEncryptionConfiguration: {
              Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
            },
          }),
        );
      }
      const env = shellOf(sandbox);
      const program = join("dist", "bench", "dump-to-one-region.js");
      const own = (...words: string[]) =>
        measure([process.execPath, program, connection.host!, connection.user!, "rekindle", ...words], {
          env,
        });
      const pipe = (script: string) =>
        measure(["bash", "-ec", `set -o pipefail; ${path}; ${script}`], { env });
      const fresh = async () => {
        await psql("DROP DATABASE IF EXISTS bench WITH (FORCE)", "postgres");
      };
      const dumps: Record<string, Cost> = {
        rekindle: await median(3, () => own("dump")),
        [other]: await median(3, () =>
          pipe(`pg_dump -Fc ${to(connection)} bench | aws s3 cp --only-show-errors - s3://pipe/bench.dump`),
        ),
      };
      const restores: Record<string, Cost> = {
        rekindle: await median(3, async () => {
          await fresh();
          return await own("restore");
        }),
        [other]: await median(3, async () => {
          await fresh();
          return await pipe(
            `createdb ${to(connection)} bench; aws s3 cp --only-show-errors s3://pipe/bench.dump - | pg_restore --exit-on-error ${to(connection)} -d bench`,
          );
        }),
      };
      const label = `${rows.toLocaleString("en")} rows`;
      return [
        { what: `${label} into a bucket`, costs: dumps },
        { what: `${label} back into a server`, costs: restores },
      ];
    });
  } finally {
    await remove();
  }
}

const other = "pg_dump, pg_restore, aws s3 cp -";
const path = "for bin in $(ls -dv /usr/lib/postgresql/*/bin); do PATH=$bin:$PATH; done";

function to({ host, port, user }: Connection): string {
  return `-h ${host} -p ${port} -U ${user}`;
}
