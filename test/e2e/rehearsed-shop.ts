import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EC2Client, RunInstancesCommand, type RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { bake } from "../../bootstrap/commands/bake.ts";
import type { Field, LiveField } from "../../bootstrap/commands/field.ts";
import { makeParameters } from "../../bootstrap/commands/gameday-live.ts";
import { prepare, type Rebuilding, recover } from "../../bootstrap/commands/gameday-recover.ts";
import { Journal } from "../../bootstrap/commands/journal.ts";
import { publish } from "../../bootstrap/commands/publish.ts";
import { takeSnapshot } from "../../bootstrap/commands/snapshot.ts";
import type { Topology } from "../../bootstrap/config/schema.ts";
import type { AwsAccess } from "../../bootstrap/edges/aws/access.ts";
import { ec2LiveServers } from "../../bootstrap/edges/aws/live-servers.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { type Cloud, connectCloud } from "../../bootstrap/edges/cloud.ts";
import { gitRepository } from "../../bootstrap/edges/git.ts";
import { ssmShell } from "../../bootstrap/edges/hosts/host-shell.ts";
import { applyEnvironment, type Sandbox, sandboxEnvironment } from "../../bootstrap/edges/sandbox.ts";
import { Stopwatch } from "../../bootstrap/edges/stopwatch.ts";
import { type Terraform, terraformIn } from "../../bootstrap/edges/terraform.ts";
import { thisMachine } from "../../bootstrap/edges/tools/context.ts";
import { ensureTerraform } from "../../bootstrap/edges/tools/ensure-terraform.ts";
import { liveField } from "../../bootstrap/entry/live-field.ts";
import { shellsOf } from "../../bootstrap/entry/shells.ts";
import { committedForSandbox } from "../../bootstrap/entry/signing.ts";
import { assembleReport, type Learned } from "../../bootstrap/gameday/assemble.ts";
import type { GameDayReport } from "../../bootstrap/gameday/report.ts";
import type { Row } from "../../bootstrap/gameday/rows.ts";
import { noHistory } from "../fakes/no-history.ts";
import { clients } from "../sandbox/clients.ts";
import { startBoxSandbox } from "./box-sandbox.ts";

type Committed = Awaited<ReturnType<typeof committedForSandbox>>;

/** What a day in the rehearsed shop varies. */
export interface Day {
  role: "db" | "web";
  /** Changes how a server of the stack is launched. */
  launch?(input: RunInstancesCommandInput): void;
  /** How long its servers may take to come up; a minute when left out. */
  limitSeconds?: number;
}

/**
 * The shop in a sandbox of its own, once for many days: a foundation by Terraform, a release, golden images that were
 * really baked, a database with rows, recovery points, and a primary region that is lost. A day then is what is on a
 * game day's clock, for one role: the plan, the synthesized recovery stack, its server launched through EC2's API with
 * the stack's own user-data and snapshots, and the checks, the verdict and the report of any game day.
 */
export class RehearsedShop {
  readonly folder: string;
  readonly sandbox: Sandbox;
  readonly project: Committed;
  readonly cloud: Cloud;
  readonly access: AwsAccess;
  readonly terraform: Terraform;
  /** Of an administrator whom IAM knows. */
  readonly credentials: { accessKeyId: string; secretAccessKey: string };
  /** Said by the commands of the day. */
  readonly said: string[] = [];
  readonly #running = {
    clock: systemClock,
    stopwatch: new Stopwatch(systemClock),
    signal: new AbortController().signal,
  };

  static async open(): Promise<RehearsedShop> {
    const folder = await mkdtemp(join(tmpdir(), "rekindle-rehearsed-shop-"));
    const project = await committedForSandbox({ env: "shop", commit: "HEAD" });
    const { account, regions } = project.topology.environment;
    const { binary, cliConfig } = await ensureTerraform(
      thisMachine(resolve("."), process.env, () => undefined),
    );
    const sandbox = await startBoxSandbox(join(folder, "sandbox"), {
      // Its IAM knows which parameter and which instance a call is about.
      emulator: ["python3", resolve("test/stacks/moto-with-arns.py")],
      account,
    });
    const credentials = await anAdministrator(sandbox, regions.recovery);
    const wish = { region: regions.recovery, terraformCliConfig: cliConfig, inherited: process.env };
    const variables = sandboxEnvironment(sandbox, wish);
    variables.set.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
    variables.set.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
    const env = applyEnvironment(process.env, variables);
    const terraform = terraformIn({ binary, cliConfig, env });
    return new RehearsedShop(folder, sandbox, project, credentials, terraform);
  }

  private constructor(
    folder: string,
    sandbox: Sandbox,
    project: Committed,
    credentials: RehearsedShop["credentials"],
    terraform: Terraform,
  ) {
    this.folder = folder;
    this.sandbox = sandbox;
    this.project = project;
    this.credentials = credentials;
    this.terraform = terraform;
    this.access = { endpoint: sandbox.endpoint, credentials, stopwatch: this.#running.stopwatch };
    this.cloud = connectCloud(this.access, project.topology);
  }

  /** Clients of one region, with the administrator's keys. */
  aws(region: string) {
    return clients(this.sandbox.endpoint, region, 60_000, this.credentials);
  }

  /** Everything up to the fault. `load` writes rows while the recovery point is taken. */
  async rehearse(): Promise<void> {
    const { cloud, project } = this;
    await cloud.ensureStateBucket();
    const field = this.#field(project.topology, this.terraform);
    const stack = await prepare(this.#rebuilding(project.topology), field, "before");
    await this.terraform.init(stack("foundation-stack"));
    await this.terraform.apply(stack("foundation-stack"));
    await makeParameters(field.live!, project.sources);
    await this.publish();
    await bake({
      ...project,
      ...this.#running,
      places: cloud.places,
      builderLimitSeconds: 600,
      print: (line) => void this.said.push(line),
    });
  }

  /** Publishes the shop's sources, or what a test has made of them. */
  async publish(sources = this.project.sources, catalogs?: Parameters<typeof publish>[0]["catalogs"]) {
    const { cloud, project } = this;
    return await publish({
      ...project,
      sources,
      history: noHistory,
      repository: gitRepository(resolve(".")),
      account: cloud.account,
      catalogs: catalogs ?? cloud.catalogs,
      clock: systemClock,
      print: (line) => void this.said.push(line),
    });
  }

  /** Launches the primary's server of one role, and waits for it. */
  async deployPrimary(role: Day["role"]): Promise<string> {
    const topology = this.project.topology;
    const field = this.#field(topology, this.terraform);
    const stack = await prepare(this.#rebuilding(topology), field, "before");
    const { primary } = topology.environment.regions;
    const instance = await this.#launch(stack("primary-stack"), role, primary, () => undefined);
    for (;;) {
      const boots = await field.live!.boots(primary);
      const own = boots.find((boot) => boot.instance === instance)!;
      if (own.outcome === "healthy") return instance;
      if (own.outcome !== "silent") throw new Error(own.message);
      await systemClock.sleep(250);
    }
  }

  /** With the data made quiet as the role says, or, `unfrozen`, with nothing frozen, which the environment then allows. */
  takeSnapshot({ unfrozen = false } = {}) {
    const { cloud } = this;
    const { environment, roles } = this.project.topology;
    const topology: Topology = unfrozen
      ? {
          environment: { ...environment, consistency: { allowCrash: true } },
          roles: { ...roles, db: { ...roles.db!, quiesce: { kind: "none" } } },
        }
      : this.project.topology;
    return takeSnapshot({
      ...this.#running,
      topology,
      account: cloud.account,
      primary: cloud.primary,
      recovery: cloud.recovery,
      shellOf: shellsOf(environment.regions.primary, this.access),
      print: (line) => void this.said.push(line),
    });
  }

  /** Runs a shell's lines on a live server, as SSM does. */
  async shell(role: string, region: string, script: string): Promise<string> {
    const found = (await ec2LiveServers(this.access, region)("shop")).find((one) => one.role === role);
    if (found === undefined) throw new Error(`no server of ${role} is in ${region}`);
    const patience = { timeoutMs: 60_000, signal: this.#running.signal, clock: systemClock };
    const { code, stdout, stderr } = await ssmShell(found.instance, region, this.access, patience)(script);
    if (code === 0) return stdout.trim();
    throw new Error(`${found.server}: ${stderr}`);
  }

  /** What a region's database itself has, in ascending order; not more than SSM's answer has room for. */
  async rows(region: string, order = ""): Promise<Row[]> {
    const said = await this.shell("db", region, rowsScript(order));
    return said.split("\n").map((line) => ({ id: Number(line.split("|")[0]), at: line.split("|")[1]! }));
  }

  /** The newest row that the rebuilt database has. */
  async newestRow(): Promise<Row | undefined> {
    const { recovery } = this.project.topology.environment.regions;
    return (await this.rows(recovery, "DESC LIMIT 1").catch(() => []))[0];
  }

  /** One day, from the fault on; its servers are gone when it resolves. */
  async day(day: Day, written: readonly Row[] = []): Promise<{ report: GameDayReport; learned: Learned }> {
    const topology = this.project.topology;
    const { recovery } = topology.environment.regions;
    const context = { ...this.#rebuilding(topology), bootLimitSeconds: day.limitSeconds ?? 60 };
    const launching: Terraform = {
      ...this.terraform,
      init: async () => undefined,
      apply: async (dir) => {
        await this.#launch(dir, day.role, recovery, day.launch ?? (() => undefined));
        return { added: 1, changed: 0, destroyed: 0 };
      },
    };
    const field = this.#field(topology, launching, day.role);
    const progress = { started: () => undefined, ended: () => undefined };
    const journal = new Journal(systemClock, context.stopwatch, progress);
    const startedAt = systemClock.now().toISOString();
    const learned: Learned = { checks: [], limits: [], lostCalls: [], leftovers: [], faultAt: startedAt };
    journal.startClock();
    await recover(context, field, journal, learned, written).catch(() => undefined);
    await this.cloud.recovery.sweep.servers("shop");
    const known = {
      id: "day",
      mode: "refused",
      engine: "box",
      keep: false,
      startedAt,
    } as const;
    return {
      report: assembleReport(
        { ...known, passedOver: [], topology, commit: this.project.commit },
        journal.steps,
        learned,
      ),
      learned,
    };
  }

  async close(): Promise<void> {
    await this.sandbox.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  #rebuilding(topology: Topology): Rebuilding {
    return {
      ...this.#running,
      folder: join(this.folder, "day"),
      topology,
      bootLimitSeconds: 60,
      print: (line) => void this.said.push(line),
      stacksProgram: resolve("dist/stacks.js"),
    };
  }

  /** No load balancer is there: the database's clients ask it themselves, and those of web only wait for its boot. */
  #field(topology: Topology, terraform: Terraform, role?: Day["role"]): Field {
    const live = liveField(topology, this.sandbox, this.access, this.cloud, this.#running);
    const last = () => this.newestRow();
    const asked: LiveField["clients"] =
      role === "db" ? { primary: { write: last, last }, recovery: { write: last, last } } : undefined;
    return { sandbox: this.sandbox, cloud: this.cloud, terraform, live: { ...live, clients: asked } };
  }

  /** Launches what a synthesized stack says of a role's server. */
  async #launch(
    dir: string,
    role: Day["role"],
    region: string,
    change: (input: RunInstancesCommandInput) => void,
  ): Promise<string> {
    const stack = JSON.parse(await readFile(join(dir, "cdk.tf.json"), "utf8")) as Stack;
    const fixed = Object.values(stack.resource.aws_instance);
    const template = Object.values(stack.resource.aws_launch_template)[0]!;
    const input =
      role === "web"
        ? ofTemplate(template)
        : ofInstance(fixed.find(({ tags }) => tags["rekindle:role"] === role)!);
    change(input);
    const ec2 = new EC2Client({ ...this.access, region, maxAttempts: 2 });
    return (await ec2.send(new RunInstancesCommand(input))).Instances![0]!.InstanceId!;
  }
}

const rowsScript = (order: string) =>
  `su postgres -c "psql -AtX -d shop -c \\"SELECT id, to_json(placed_at)#>>'{}' FROM orders ORDER BY id ${order}\\""`;

/** What of a synthesized stack is needed to launch its servers. */
interface Stack {
  resource: {
    aws_instance: Record<string, StackInstance>;
    aws_launch_template: Record<string, StackTemplate>;
  };
}

interface StackInstance {
  ami: string;
  instance_type: string;
  iam_instance_profile: string;
  user_data_base64: string;
  tags: Record<string, string>;
  ebs_block_device: {
    device_name: string;
    snapshot_id?: string;
    volume_size: number;
    volume_type: string;
    kms_key_id: string;
  }[];
}

interface StackTemplate {
  image_id: string;
  instance_type: string;
  iam_instance_profile: { name: string };
  user_data: string;
  tag_specifications: { resource_type: string; tags: Record<string, string> }[];
}

function ofInstance(one: StackInstance): RunInstancesCommandInput {
  return {
    ...single,
    ImageId: one.ami,
    InstanceType: one.instance_type as never,
    IamInstanceProfile: { Name: one.iam_instance_profile },
    UserData: one.user_data_base64,
    BlockDeviceMappings: one.ebs_block_device.map((device) => ({
      DeviceName: device.device_name,
      Ebs: {
        ...(device.snapshot_id ? { SnapshotId: device.snapshot_id } : {}),
        VolumeSize: device.volume_size,
        VolumeType: device.volume_type as never,
        Encrypted: true,
        KmsKeyId: device.kms_key_id,
        DeleteOnTermination: true,
      },
    })),
    TagSpecifications: [{ ResourceType: "instance", Tags: tagsOf(one.tags) }],
  };
}

function ofTemplate(one: StackTemplate): RunInstancesCommandInput {
  const ofServer = one.tag_specifications.find(({ resource_type }) => resource_type === "instance")!;
  return {
    ...single,
    ImageId: one.image_id,
    InstanceType: one.instance_type as never,
    IamInstanceProfile: { Name: one.iam_instance_profile.name },
    UserData: one.user_data,
    TagSpecifications: [{ ResourceType: "instance", Tags: tagsOf(ofServer.tags) }],
  };
}

const single = { MinCount: 1, MaxCount: 1 };

function tagsOf(tags: Record<string, string>) {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

async function anAdministrator({ endpoint }: Sandbox, region: string) {
  const iam = new IAMClient({
    endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  await iam.send(new CreateUserCommand({ UserName: "administrator" }));
  const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] };
  const PolicyDocument = JSON.stringify(everything);
  await iam.send(new PutUserPolicyCommand({ UserName: "administrator", PolicyName: "all", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: "administrator" }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}
