import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  CreateSnapshotCommand,
  DescribeInstancesCommand,
  EC2Client,
  GetConsoleOutputCommand,
  RunInstancesCommand,
} from "@aws-sdk/client-ec2";
import { ebsSnapshots } from "../bootstrap/edges/aws/snapshots.ts";
import { systemClock } from "../bootstrap/edges/clock.ts";
import { quiescer } from "../bootstrap/edges/hosts/quiescer.ts";
import { startSandbox } from "../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../bootstrap/edges/stopwatch.ts";
import { shellsOf } from "../bootstrap/entry/shells.ts";
import { region } from "./emulator.ts";
import type { Row } from "./table.ts";

const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const rounds = 5;

/**
 * How long a server's writes wait while all of its volumes are snapshotted: frozen at once and snapshotted by one call,
 * or both one volume after the other, with the same calls and the same patience. By the server's own clock.
 */
export async function quiescing(volumes: number): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-bench-quiesce-"));
  const sandbox = await startSandbox({
    stateDir: join(folder, "sandbox"),
    moto: ["env", "MOTO_EC2_LOAD_DEFAULT_AMIS=false", "moto_server"],
    engine: "box",
    engineCache: resolve(".rekindle"),
    lifetime: "parent",
    gatewayScript: join("dist", "gateway.js"),
    clock: systemClock,
  });
  try {
    const server = await aServer(sandbox.endpoint, volumes);
    const atOnce = await median(() => server.frozenAtOnce());
    const inTurn = await median(() => server.frozenInTurn());
    const what = `${volumes} volumes of one server, ext4`;
    return [
      {
        what,
        costs: { rekindle: { seconds: atOnce }, "one after the other": { seconds: inTurn } },
        note: "writes waited so long; median of 5",
      },
    ];
  } finally {
    await sandbox.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function aServer(endpoint: string, count: number) {
  const access = { endpoint, credentials, stopwatch: new Stopwatch(systemClock) };
  const ec2 = new EC2Client({ endpoint, region, credentials });
  const names = Array.from({ length: count }, (_, index) => `sd${"fghijklmnop"[index]}`);
  const commands = names.map(
    (name) => `mkfs.ext4 -q /dev/${name} && mkdir -p /data/${name} && mount /dev/${name} /data/${name}`,
  );
  const launched = await ec2.send(
    new RunInstancesCommand({
      ImageId: "ami-0123456789abcdef0",
      MinCount: 1,
      MaxCount: 1,
      UserData: Buffer.from(
        `#!/bin/sh\nset -e\n${commands.join("\n")}\necho data is there >/dev/console\n`,
      ).toString("base64"),
      BlockDeviceMappings: names.map((name) => ({ DeviceName: `/dev/${name}`, Ebs: { VolumeSize: 1 } })),
    }),
  );
  const InstanceId = launched.Instances![0]!.InstanceId!;
  for (let said = ""; !said.includes("data is there"); await systemClock.sleep(250)) {
    const { Output = "" } = await ec2.send(new GetConsoleOutputCommand({ InstanceId }));
    said = Buffer.from(Output, "base64").toString();
  }
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }));
  const attached = Reservations![0]!.Instances![0]!.BlockDeviceMappings!;
  const volumes = names.map((name) => ({
    name,
    device: `/dev/${name}`,
    volumeId: attached.find(({ DeviceName }) => DeviceName === `/dev/${name}`)!.Ebs!.VolumeId!,
  }));
  const live = { instanceId: InstanceId, role: "db", server: "db-0", release: "", recipe: "", volumes: [] };
  const shell = (timeoutMs: number) => shellsOf(region, access)(live, "ssm", timeoutMs);
  const label = { "rekindle:point": "bench", "rekindle:server": "db-0" };
  let holds = 0;

  return {
    async frozenAtOnce(): Promise<number> {
      holds += 1;
      const quiesce = { kind: "filesystem", limit: "60s", via: "ssm" } as const;
      const data = quiescer(shell, { id: `bench-${holds}`, quiesce, mount: `/data/${names[0]}`, volumes });
      const { held, failed } = await data.freeze();
      if (held === undefined) throw new Error(failed);
      await ebsSnapshots(access, region).take(InstanceId, label);
      const { released } = await data.thaw();
      return (Date.parse(released!.until) - Date.parse(held)) / 1000;
    },
    async frozenInTurn(): Promise<number> {
      const ask = async (script: string) => (await shell(60_000)(script)).stdout;
      let from: string | undefined;
      for (const { name, volumeId } of volumes) {
        const began = await ask(`sync -f /data/${name}; ${moment}; fsfreeze -f /data/${name}`);
        from ??= began;
        await ec2.send(new CreateSnapshotCommand({ VolumeId: volumeId }));
      }
      let until = "";
      for (const { name } of volumes) until = await ask(`fsfreeze -u /data/${name}; ${moment}`);
      return (Date.parse(until) - Date.parse(from!)) / 1000;
    },
  };
}

const moment = "date -u +%Y-%m-%dT%H:%M:%S.%3NZ";

async function median(once: () => Promise<number>): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) taken.push(await once());
  return taken.sort((a, b) => a - b)[rounds >> 1]!;
}
