import { readFile } from "node:fs/promises";
import type { EC2Client, Instance } from "@aws-sdk/client-ec2";
import { DescribeInstancesCommand, DescribeVolumesCommand, type Volume } from "@aws-sdk/client-ec2";
import { GetCommandInvocationCommand, SendCommandCommand } from "@aws-sdk/client-ssm";
import { expect, vi } from "vitest";
import { builderProfile, tags } from "../../bootstrap/config/names.ts";
import type { Topology } from "../../bootstrap/config/schema.ts";
import type { Sandbox } from "../../bootstrap/edges/sandbox.ts";
import type { RoleSource } from "../../bootstrap/release/release.ts";
import type { TreeEntry } from "../../bootstrap/release/tree.ts";
import { aFile, aRole, aRoleSource, aTopology, primary } from "../builders.ts";
import type { TestField } from "../commands/field.ts";
import { launch } from "../sandbox/bodies/launch.ts";
import { clients } from "../sandbox/clients.ts";

/** Appends a number to a file on the data volume, twenty times a second; does not start on data with `poison` in it. */
const program = `import os, socketserver, threading, time
if os.path.exists("/var/lib/rows/poison"):
    raise SystemExit("the rows are poisoned")
log = open("/var/lib/rows/rows", "a+")
log.seek(0)
count = len(log.read().split())
def write():
    global count
    while True:
        count += 1
        log.write(f"{count}\\n")
        log.flush()
        os.fsync(log.fileno())
        time.sleep(0.05)
threading.Thread(target=write, daemon=True).start()
socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("127.0.0.1", 7070), socketserver.BaseRequestHandler).serve_forever()
`;

const unit = `[Service]
ExecStart=/usr/bin/python3 /opt/rows.py

[Install]
WantedBy=multi-user.target
`;

const template: TreeEntry = {
  ...aFile("etc/rows/env", "server={{server}}\n"),
  kind: "file",
  template: true,
  mode: "0640",
  content: Buffer.from("server={{server}}\n"),
};

/** Two servers that write rows: `db-0` on two striped volumes with XFS, `log-0` on one with ext4. */
export function rowsTopology(): Topology {
  const keeps = (layout: string, filesystem: string, devices: string[]) =>
    aRole({
      volumes: devices.map((device, index) => ({ name: `data-${index}`, device, sizeGiB: 1 })),
      storage: { layout, filesystem, mount: "/var/lib/rows" },
      services: ["rows.service"],
      health: { kind: "tcp", port: 7070, timeout: "5s" },
      userData: ["server.yaml"],
    });
  const roles = {
    db: keeps("striped", "xfs", ["/dev/sdf", "/dev/sdg"]),
    log: keeps("single", "ext4", ["/dev/sdf"]),
  };
  const one = { count: 1, instanceType: "t3.small" };
  return { environment: aTopology({ roles: { db: one, log: one } }).environment, roles };
}

export function rowsSource(topology: Topology, role: string, text = "first\n"): RoleSource {
  const { volumes, storage, services } = topology.roles[role]!;
  return aRoleSource({
    tree: [
      aFile("etc/rows/conf", text),
      template,
      aFile("etc/systemd/system/rows.service", unit),
      aFile("opt/rows.py", program),
    ],
    restartedBy: () => services,
    duties: {
      services,
      health: { kind: "tcp", port: 7070, timeoutSeconds: 5 },
      volumes: volumes.map(({ name, device }) => ({ name, device })),
      storage: storage!,
    },
    userData: [{ name: "server.yaml", content: "#cloud-config\n" }],
  });
}

/** One of them, booted with a release from the bucket by the real boot script. */
export interface RowsServer {
  instance: Instance;
  shell(script: string): Promise<string>;
  /** How many rows it has, each with its own number, from 1 on. */
  rows(file?: string): Promise<number>;
  /** Its data volumes by device. */
  volumes(): Promise<Record<string, string>>;
}

export async function bootRows(
  sandbox: Sandbox,
  field: TestField,
  role: string,
  release: string,
): Promise<RowsServer> {
  const { ec2, ssm } = clients(sandbox.endpoint, primary, 60_000);
  const { environment, roles } = field.topology;
  const labels = {
    [tags.environment]: environment.name,
    [tags.site]: "primary",
    [tags.role]: role,
    [tags.server]: `${role}-0`,
  };
  const instance = await launch(ec2, {
    IamInstanceProfile: { Name: builderProfile(environment.name) },
    BlockDeviceMappings: roles[role]!.volumes.map(({ device, sizeGiB, type }) => ({
      DeviceName: device,
      Ebs: { VolumeSize: sizeGiB, VolumeType: type },
    })),
    TagSpecifications: [
      { ResourceType: "instance", Tags: Object.entries(labels).map(([Key, Value]) => ({ Key, Value })) },
    ],
  });
  const InstanceId = instance.InstanceId!;
  const shell = async (script: string): Promise<string> => {
    const sent = await ssm.send(
      new SendCommandCommand({
        DocumentName: "AWS-RunShellScript",
        InstanceIds: [InstanceId],
        Parameters: { commands: [script] },
      }),
    );
    const asked = { CommandId: sent.Command!.CommandId!, InstanceId };
    const said = await vi.waitFor(
      async () => {
        const found = await ssm.send(new GetCommandInvocationCommand(asked));
        expect(found.Status).not.toBe("InProgress");
        return found;
      },
      { timeout: 60_000, interval: 50 },
    );
    expect(said, `${script}\n${said.StandardErrorContent}`).toMatchObject({ ResponseCode: 0 });
    return said.StandardOutputContent!.trim();
  };
  const { pin } = (await field.cloud.primary.catalog.manifest(release))!;
  const [key] = field.shared.trusted;
  const write = async (path: string, content: Uint8Array | string, mode = "0644") => {
    const text = Buffer.from(content).toString("base64");
    await shell(`mkdir -p $(dirname ${path}); echo '${text}' | base64 -d >${path}; chmod ${mode} ${path}`);
  };
  await write("/usr/local/sbin/rekindle-boot", await readFile("cloud-init/boot"), "0755");
  await write(`/etc/rekindle/keys/${key.id}.pem`, key.pem);
  const identity = {
    ENVIRONMENT: environment.name,
    ROLE: role,
    SERVER: `${role}-0`,
    REGION: primary,
    RELEASE: release,
    BUCKET: pin.bucket,
    MANIFEST_KEY: pin.key,
    MANIFEST_VERSION: pin.versionId,
    MANIFEST_SHA256: pin.sha256,
    HOSTS: "",
    DATABASES: "",
  };
  const lines = Object.entries(identity).map(([name, value]) => `REKINDLE_${name}='${value}'\n`);
  await write("/etc/rekindle/identity", lines.join(""));
  await shell("rekindle-boot");
  return {
    instance,
    shell,
    async rows(file = "/var/lib/rows/rows") {
      const numbers = (await shell(`cat ${file}`)).split("\n").map(Number);
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
      return numbers.length;
    },
    volumes: () => attachedTo(ec2, InstanceId),
  };
}

async function attachedTo(ec2: EC2Client, id: string): Promise<Record<string, string>> {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const devices = Reservations![0]!.Instances![0]!.BlockDeviceMappings!;
  const own = devices
    .filter(({ DeviceName }) => /\/dev\/sd[f-p]$/.test(DeviceName!))
    .map(({ DeviceName, Ebs }) => [DeviceName!, Ebs!.VolumeId!] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(own);
}

export async function volumeOf(ec2: EC2Client, id: string): Promise<Volume | undefined> {
  const { Volumes } = await ec2.send(
    new DescribeVolumesCommand({ Filters: [{ Name: "volume-id", Values: [id] }] }),
  );
  return Volumes![0];
}
