import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CreateSnapshotsCommand, GetConsoleOutputCommand } from "@aws-sdk/client-ec2";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { siteBucket } from "../../bootstrap/config/names.ts";
import { encodeJson } from "../../bootstrap/json.ts";
import { unobserved } from "../../bootstrap/recovery/point.ts";
import { pointKey } from "../../bootstrap/recovery/point-index.ts";
import { account, aPoint, recovery } from "../builders.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { lackingForBox } from "../sandbox/box-lacking.ts";
import { clients } from "../sandbox/clients.ts";
import { type RehearsedProject, rehearsedProject } from "./rehearsed-project.ts";

const lacking = lackingForBox();

/** Two striped volumes with one file on them, as a server of `db` had them. */
const writer = `#cloud-config
runcmd:
  - mdadm --create /dev/md/rekindle --run --level=0 --raid-devices=2 /dev/sdf /dev/sdg
  - mkfs.xfs -q /dev/md/rekindle && mount /dev/md/rekindle /mnt
  - echo it came back >/mnt/row && sync && umount /mnt
  - echo user-data has run >/dev/console
`;

describe.skipIf(lacking !== undefined)("a rehearsal of db from a recovery point", () => {
  let project: RehearsedProject;

  beforeAll(async () => {
    project = await rehearsedProject();
  });
  afterAll(async () => {
    await project.rekindle(["sandbox", "stop"]);
    await project.remove();
  }, 60_000);

  it("is refused without a sandbox that has the data, and for a point that it does not have", async () => {
    const none = await project.rekindle(["rehearse", "db", "--from", "point-1"]);
    expect(none.ending).toEqual({ kind: "exited", code: 4 });
    expect(none.stderr).toMatch(/the data of point-1 is not on this computer/);
    const stateless = await project.rekindle(["rehearse", "web", "--from", "point-1"]);
    expect(stateless.ending).toEqual({ kind: "exited", code: 2 });
  });

  it("has the point's data on its volumes", { timeout: 900_000 }, async () => {
    const started = await project.rekindle(["sandbox", "start", "--engine", "box"]);
    expect(started.ending, started.stderr).toEqual({ kind: "exited", code: 0 });
    const endpoint = /http:\/\/127\.0\.0\.1:\d+/.exec(started.stdout)![0];
    const { ec2 } = clients(endpoint, recovery, 60_000);
    const disk = (DeviceName: string) => ({ DeviceName, Ebs: { VolumeSize: 1 } });
    const { InstanceId } = await launch(ec2, {
      UserData: Buffer.from(writer).toString("base64"),
      BlockDeviceMappings: ["/dev/sdf", "/dev/sdg"].map(disk),
    });
    await vi.waitFor(
      async () => {
        const { Output } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: InstanceId! }));
        expect(Buffer.from(Output ?? "", "base64").toString()).toContain("user-data has run");
      },
      { timeout: 300_000, interval: 500 },
    );
    const { Snapshots = [] } = await ec2.send(
      new CreateSnapshotsCommand({
        InstanceSpecification: { InstanceId: InstanceId!, ExcludeBootVolume: true },
      }),
    );
    const [first, second] = Snapshots.map(({ SnapshotId }) => SnapshotId!);
    const point = aPoint();
    const volumes = [
      { name: "data-0", sizeGiB: 1, snapshots: { [recovery]: first! } },
      { name: "data-1", sizeGiB: 1, snapshots: { [recovery]: second! } },
    ];
    const observed = unobserved("nothing was frozen");
    point.sets = [{ kind: "volumes", server: "db-0", role: "db", takenAt: point.takenAt, observed, volumes }];
    const s3 = new S3Client({
      endpoint,
      region: recovery,
      forcePathStyle: true,
      credentials: { accessKeyId: "A", secretAccessKey: "B" },
    });
    const Bucket = siteBucket("shop", account, recovery);
    const LocationConstraint = recovery;
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint } }));
    await s3.send(new PutObjectCommand({ Bucket, Key: pointKey(point), Body: encodeJson(point) }));

    const unknown = await project.rekindle(["rehearse", "db", "--from", "point-2"]);
    expect(unknown.ending).toEqual({ kind: "exited", code: 3 });
    expect(unknown.stderr).toContain(`it has ${point.id}`);

    const words = ["rehearse", "db", "--from", point.id, "--shell"];
    const { ending, stdout, stderr } = await project.rekindle(words, "cat /var/lib/postgresql/row\n");
    expect(ending, `${stdout}${stderr}`).toEqual({ kind: "exited", code: 0 });
    expect(stdout).toMatch(/db-0 is healthy on engine box/);
    expect(stdout).toMatch(/\nit came back\n$/);
    // What was copied for it is gone with it.
    const saved = join(project.folder, ".rekindle", "sandbox", "saved");
    expect(existsSync(saved) ? readdirSync(saved) : []).toEqual([]);
  });
});
