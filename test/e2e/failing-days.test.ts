import {
  CreateImageCommand,
  DescribeInstancesCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { GetRolePolicyCommand, ListRolePoliciesCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { DeleteParameterCommand, GetParameterCommand, PutParameterCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { instanceProfile, siteBucket } from "../../bootstrap/config/names.ts";
import type { ObjectStore } from "../../bootstrap/edges/aws/objects.ts";
import { Catalog } from "../../bootstrap/edges/catalog.ts";
import { reportMarkdown } from "../../bootstrap/gameday/markdown.ts";
import type { GameDayReport } from "../../bootstrap/gameday/report.ts";
import type { Row } from "../../bootstrap/gameday/rows.ts";
import type { RecoveryPoint } from "../../bootstrap/recovery/point.ts";
import type { RoleSource } from "../../bootstrap/release/release.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { RehearsedShop } from "./rehearsed-shop.ts";

const lacking = lackingForBox();

const primary = "eu-west-1";
const recovery = "eu-central-1";

/** Most of it is the servers' boots. */
const timeout = 600_000;

describe.skipIf(lacking !== undefined)("a day fails for its own reason", { timeout }, () => {
  let shop: RehearsedShop;
  let older: RecoveryPoint;
  let newer: RecoveryPoint;
  let written: Row[] = [];
  /** What a day on which nothing is wrong has to say: that the test launches neither network nor load balancer. */
  const unharmed: Partial<Record<"db" | "web", GameDayReport>> = {};

  beforeAll(async () => {
    shop = await RehearsedShop.open();
    await shop.rehearse();
    await shop.deployPrimary("db");
    await addRows(10);
    older = await shop.takeSnapshot();
    // Rows are written without a pause while the second one is taken, and nothing is frozen.
    const load = shop.shell("db", primary, `timeout 8 sh -c 'while :; do ${insert}; done' || true`);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    newer = await shop.takeSnapshot({ unfrozen: true });
    await load;
    written = await shop.rows(primary);
    await shop.cloud.primary.sweep.servers("shop");
  }, 900_000);

  afterAll(async () => {
    await shop?.close();
  });

  const insert = `su postgres -c "psql -qX -d shop -c \\"INSERT INTO orders DEFAULT VALUES\\""`;
  const addRows = (count: number) =>
    shop.shell("db", primary, `for i in $(seq ${count}); do ${insert}; done`);

  /** What a harmed day says beside what an unharmed one of its role says; what names an instance is told apart by it. */
  function newReasons(role: "db" | "web", report: GameDayReport): string[] {
    const told = (one: GameDayReport) =>
      one.reasons.map((reason) =>
        reason.replace(/i-[0-9a-f]{17}/g, "i-…").replace(/\d+\.\d+\.\d+\.\d+/g, "…"),
      );
    const known = told(unharmed[role]!);
    return told(report).filter((reason) => !known.includes(reason));
  }

  async function harmed(...[day]: Parameters<RehearsedShop["day"]>): Promise<string[]> {
    const { report } = await shop.day(day, written);
    expect(report.verdict).toBe("failed");
    for (const { server, instance } of report.consoles)
      expect(reportMarkdown(report)).toContain(`The end of the console of ${server} (${instance})`);
    expect(report.consoles.length).toBe(report.boots.filter(({ outcome }) => outcome !== "healthy").length);
    return newReasons(day.role, report);
  }

  /** The shop's sources with one file of one role changed. */
  function changed(role: string, path: string, change: (text: string) => string): Record<string, RoleSource> {
    const { sources } = shop.project;
    const tree = sources[role]!.tree.map((entry) =>
      entry.path === path && entry.kind === "file"
        ? { ...entry, content: Buffer.from(change(Buffer.from(entry.content).toString())) }
        : entry,
    );
    return { ...sources, [role]: { ...sources[role]!, tree } };
  }

  /** Publishes for the time of one test. */
  async function whilePublished<T>(
    publish: () => Promise<{ release: string }>,
    work: (release: string) => Promise<T>,
  ): Promise<T> {
    const { release } = await publish();
    try {
      return await work(release);
    } finally {
      await shop.publish();
    }
  }

  const bucket = () => siteBucket("shop", shop.project.topology.environment.account, recovery);

  /** A golden image that differs from the role's in what a shell's lines do to it, for the time of one test. */
  async function withImage<T>(role: "web", script: string, work: () => Promise<T>): Promise<T> {
    const { ec2 } = shop.aws(recovery);
    const { catalog } = shop.cloud.recovery;
    const golden = (await catalog.image(shop.project.sources[role]!.recipe))!;
    const userData = `#!/bin/sh\n${script}\ncloud-init clean --logs\npoweroff\n`;
    const launched = await ec2.send(
      new RunInstancesCommand({
        ImageId: golden.images[recovery]!,
        MinCount: 1,
        MaxCount: 1,
        UserData: Buffer.from(userData).toString("base64"),
      }),
    );
    const InstanceIds = [launched.Instances![0]!.InstanceId!];
    await vi.waitFor(
      async () => {
        const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds }));
        expect(Reservations![0]!.Instances![0]!.State!.Name).toBe("stopped");
      },
      { timeout: 60_000, interval: 250 },
    );
    const wrong = await ec2.send(
      new CreateImageCommand({
        InstanceId: InstanceIds[0]!,
        Name: `wrong-${golden.recipe.slice(0, 8)}-${script.length}`,
      }),
    );
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
    await catalog.writeImage({ ...golden, images: { ...golden.images, [recovery]: wrong.ImageId! } });
    try {
      return await work();
    } finally {
      await catalog.writeImage(golden);
    }
  }

  test("and one on which nothing is wrong names no server: PostgreSQL recovers from a snapshot without a freeze, and the label says crash", async () => {
    const { report } = await shop.day({ role: "db" }, written);
    unharmed.db = report;
    expect(report.boots).toMatchObject([{ server: "db-0", outcome: "healthy" }]);
    expect(report.checks.find(({ name }) => name === "boot of db-0")).toMatchObject({ passed: true });
    expect(report.checks.find(({ name }) => name === "drift of db-0")).toMatchObject({ passed: true });
    expect(report.consoles).toEqual([]);
    expect(report.plan).toMatchObject({ point: newer.id, consistency: "crash" });
    expect(report.data!.cameBack!.id).toBeGreaterThan(10);
    expect(report.data!.lost).toBeGreaterThan(0);
    // The catalog takes the moment before the snapshot; the newest row of it is as old, or a little younger or older.
    expect(Math.abs(report.data!.rpoSeconds! - report.rpo[0]!.rpoSeconds)).toBeLessThan(3);
    expect(report.rtoSeconds).toBeGreaterThan(0);
    expect(report.rtoSpent.boot).toBeGreaterThan(0);
    expect(report.rtoSpent.data).toBeGreaterThan(0);
  });

  test("the point before it was frozen as its role says, and its label and position are PostgreSQL's own", () => {
    expect(older).toMatchObject({ consistency: "application", sets: [{ server: "db-0" }] });
    const [{ observed }] = older.sets as [RecoveryPoint["sets"][number]];
    expect(observed.reasons).toEqual([]);
    expect(observed.position).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(observed.ran.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["CHECKPOINT", "fsfreeze --freeze /var/lib/postgresql"]),
    );
  });

  test("nor one of a web server", async () => {
    const { report } = await shop.day({ role: "web" });
    unharmed.web = report;
    expect(report.boots).toMatchObject([{ server: "web", outcome: "healthy" }]);
  });

  test("a configuration that nginx refuses", async () => {
    const sources = changed("web", "etc/nginx/nginx.conf", (text) => text.replace("http {", "htttp {"));
    const reasons = await whilePublished(
      () => shop.publish(sources),
      () => harmed({ role: "web" }),
    );
    expect(reasons).toEqual([
      expect.stringMatching(
        /^check boot of i-…: .*nginx\.service did not restart; nginx\.service: 2.*unknown directive "htttp" in \/etc\/nginx\/nginx\.conf/,
      ),
    ]);
  });

  test("a configuration that PostgreSQL refuses", async () => {
    const sources = changed(
      "db",
      "etc/postgresql/postgresql.conf",
      (text) => `${text}\nmax_conections = 7\n`,
    );
    const reasons = await whilePublished(
      () => shop.publish(sources),
      () => harmed({ role: "db" }),
    );
    expect(reasons[0]).toMatch(
      /^step first page failed: .*shop-db\.service did not restart.*unrecognized configuration parameter "max_conections"/,
    );
  });

  test("a bundle with a flipped bit", async () => {
    const { catalog } = shop.cloud.recovery;
    const flipping: ObjectStore = {
      ...catalog.store,
      create: (key, body, sha256) => {
        const sent = Buffer.from(body);
        if (key.startsWith("bundles/web/")) sent[sent.length >> 1]! ^= 1;
        return catalog.store.create(key, sent, sha256);
      },
    };
    const sources = changed("web", "usr/share/nginx/shop/index.html", (text) => `${text}\n`);
    const reasons = await whilePublished(
      () => shop.publish(sources, [new Catalog(flipping), shop.cloud.primary.catalog]),
      () => harmed({ role: "web" }),
    );
    expect(reasons).toEqual([
      expect.stringMatching(
        /^check boot of i-…: .*the bundle('s digest is| is no whole gzip file).*; nothing was changed/,
      ),
    ]);
  });

  test("a manifest that nobody has signed", async () => {
    const sources = changed("web", "usr/share/nginx/shop/index.html", (text) => `${text}\n\n`);
    const { s3 } = shop.aws(recovery);
    const reasons = await whilePublished(
      () => shop.publish(sources),
      async (release) => {
        const Prefix = `releases/${release}/signatures/`;
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket(), Prefix }));
        const Objects = Contents!.map(({ Key }) => ({ Key: Key! }));
        await s3.send(new DeleteObjectsCommand({ Bucket: bucket(), Delete: { Objects } }));
        return await harmed({ role: "web" });
      },
    );
    expect(reasons).toEqual([
      expect.stringMatching(/^check boot of i-…: .*no trusted key has signed the manifest of .*NoSuchKey/),
    ]);
  });

  test("an older release's manifest, replayed as the new one's", async () => {
    const { s3 } = shop.aws(recovery);
    const old = (await shop.cloud.recovery.catalog.pointer())!.pointer.release;
    const sources = changed("web", "usr/share/nginx/shop/index.html", (text) => `${text}\n\n\n`);
    const reasons = await whilePublished(
      () => shop.publish(sources),
      async (release) => {
        const replayed = await s3.send(
          new GetObjectCommand({ Bucket: bucket(), Key: `releases/${old}/manifest.json` }),
        );
        const Body = await replayed.Body!.transformToByteArray();
        const Key = `releases/${release}/manifest.json`;
        await s3.send(new PutObjectCommand({ Bucket: bucket(), Key, Body }));
        return await harmed({ role: "web" });
      },
    );
    expect(reasons[0]).toMatch(
      /^step plan failed: s3:\/\/.*manifest\.json is the manifest of release .*: someone has replaced it/,
    );
  });

  test("a missing parameter", async () => {
    const { ssm } = shop.aws(recovery);
    const Name = "/rekindle/shop/db/database-password";
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name, WithDecryption: true }));
    await ssm.send(new DeleteParameterCommand({ Name }));
    try {
      const [first] = await harmed({ role: "db" });
      expect(first).toMatch(
        /^step first page failed: .*\{\{ssm:\/rekindle\/shop\/db\/database-password\}\} can't be filled in: ParameterNotFound/,
      );
    } finally {
      await ssm.send(new PutParameterCommand({ Name, Value: Parameter!.Value!, Type: "SecureString" }));
    }
  });

  describe("where IAM is enforced,", () => {
    beforeAll(() => enforceIam("0"));
    afterAll(() => enforceIam("inf"));

    async function enforceIam(after: string): Promise<void> {
      await fetch(`${shop.sandbox.endpoint}/moto-api/reset-auth`, { method: "POST", body: after });
    }

    test("a role that may not read its bundle, and not one that may", async () => {
      const { report } = await shop.day({ role: "web" });
      expect(newReasons("web", report)).toEqual([]);

      const { iam } = shop.aws(recovery);
      const RoleName = instanceProfile("shop", "web");
      const { PolicyName, PolicyDocument } = await serverPolicy(RoleName);
      const policy = JSON.parse(PolicyDocument) as { Statement: { Sid?: string }[] };
      const Statement = policy.Statement.filter(({ Sid }) => Sid !== "ReadOwnBundlesAndManifests");
      expect(Statement).toHaveLength(policy.Statement.length - 1);
      const less = JSON.stringify({ ...policy, Statement });
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: less }));
      try {
        expect(await harmed({ role: "web" })).toEqual([
          expect.stringMatching(
            /^check boot of i-…: .*s3:\/\/.*manifest\.json at version .* can't be fetched \(AccessDenied \(403\)\)/,
          ),
        ]);
      } finally {
        await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
      }
    });

    async function serverPolicy(RoleName: string) {
      const { iam } = shop.aws(recovery);
      const { PolicyNames } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
      const PolicyName = PolicyNames![0]!;
      const found = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      return { PolicyName, PolicyDocument: decodeURIComponent(found.PolicyDocument!) };
    }
  });

  test("a data volume from another snapshot than the plan's", async () => {
    const [set] = older.sets;
    if (set?.kind !== "volumes") throw new Error("the older point has no volumes");
    const stale = set.volumes[0]!.snapshots[recovery]!;
    const reasons = await harmed({
      role: "db",
      launch: ({ BlockDeviceMappings }) => {
        BlockDeviceMappings![0]!.Ebs!.SnapshotId = stale;
      },
    });
    expect(reasons).toEqual([
      expect.stringMatching(
        new RegExp(
          `^check volume data-0 of db-0: expected /dev/sdf from snap-[0-9a-f]+, .*found /dev/sdf from ${stale}`,
        ),
      ),
    ]);
  });

  test("a golden image without the boot script", async () => {
    const reasons = await withImage("web", "rm /usr/local/sbin/rekindle-boot", () =>
      harmed({ role: "web", limitSeconds: 60 }),
    );
    expect(reasons).toEqual([
      expect.stringMatching(
        /^check boot of i-…: .*it has not told how its boot went; its console: .*\/usr\/local\/sbin\/rekindle-boot: not found/,
      ),
    ]);
  });

  test("an instance that never answers", async () => {
    const stuck =
      "printf '#!/bin/sh\\necho stuck for ever >/dev/console\\nexec sleep infinity\\n' >/usr/local/sbin/rekindle-boot";
    const reasons = await withImage("web", stuck, () => harmed({ role: "web", limitSeconds: 60 }));
    expect(reasons).toEqual([
      expect.stringMatching(
        /^check boot of i-…: expected healthy, found silent: it has not told how its boot went; its console: stuck for ever/,
      ),
    ]);
  });

  test("a recovery region that is short of capacity", async () => {
    const id = await shop.sandbox.addFault({ kind: "capacity", region: recovery });
    try {
      const [first] = await harmed({ role: "db" });
      expect(first).toMatch(/^step rebuild failed: We currently do not have sufficient t3\.medium capacity/);
    } finally {
      await shop.sandbox.removeFault(id);
    }
  });
});
