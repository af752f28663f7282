import { randomUUID } from "node:crypto";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import type { Finished } from "../../bootstrap/edges/process.ts";
import { type Answer, jsonAnswer } from "../answer.ts";
import type { ApiRequest } from "../api-request.ts";
import { Refusal } from "../refusal.ts";
import type { StandIn } from "../stand-in.ts";
import type { Running } from "./machines.ts";
import type { RegionBodies } from "./region-bodies.ts";

/** As SSM keeps of what a command wrote. */
const keptCharacters = { stdout: 24_000, stderr: 8_000 };
const truncated = "\n---Output truncated---";
const defaultTimeoutSeconds = 3600;

/** One command on one instance. */
interface Invocation {
  instance: string;
  status: "InProgress" | "Success" | "Failed" | "TimedOut";
  exitCode: number;
  stdout: string;
  stderr: string;
  startedAt: Date;
  endedAt: Date | undefined;
}

interface Command {
  id: string;
  region: string;
  document: string;
  comment: string;
  parameters: Record<string, string[]>;
  timeoutSeconds: number;
  requestedAt: Date;
  invocations: Invocation[];
}

type Input = Record<string, unknown>;

/**
 * SSM Run Command: AWS-RunShellScript runs in the body, with its real output and exit code. A body is managed for as
 * long as it runs. Other documents are left to the emulator.
 */
export class RunCommand implements StandIn {
  readonly #regionOf: (region: string) => Promise<RegionBodies>;
  readonly #clock: Clock;
  readonly #commands = new Map<string, Command>();

  constructor(regionOf: (region: string) => Promise<RegionBodies>, clock: Clock) {
    this.#regionOf = regionOf;
    this.#clock = clock;
  }

  async answer({ service, action, region, body }: ApiRequest): Promise<Answer | undefined> {
    if (service !== "ssm") return undefined;
    const input = () => JSON.parse(body.toString()) as Input;
    switch (action) {
      case "SendCommand":
        return await this.#send(region, input());
      case "GetCommandInvocation":
        return this.#invocation(region, input());
      case "ListCommands":
        return this.#list(region, input());
      case "ListCommandInvocations":
        return this.#listInvocations(region, input());
      case "DescribeInstanceInformation":
        return await this.#managed(region, input());
      default:
        return undefined;
    }
  }

  async after(): Promise<void> {}

  reset(): void {
    this.#commands.clear();
  }

  async #send(region: string, input: Input): Promise<Answer | undefined> {
    if (input.DocumentName !== "AWS-RunShellScript") return undefined;
    const { machines } = await this.#regionOf(region);
    const targets = targetsOf(input, machines.list());
    const parameters = (input.Parameters ?? {}) as Record<string, string[]>;
    if ((parameters.commands ?? []).length === 0)
      throw new Refusal("InvalidParameters", "AWS-RunShellScript needs the parameter commands");
    const seconds = Number(parameters.executionTimeout?.[0] ?? defaultTimeoutSeconds);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > 172_800)
      throw new Refusal(
        "InvalidParameters",
        `executionTimeout is ${JSON.stringify(parameters.executionTimeout)}; give seconds from 1 to 172800`,
      );
    const command: Command = {
      id: randomUUID(),
      region,
      document: "AWS-RunShellScript",
      comment: String(input.Comment ?? ""),
      parameters,
      timeoutSeconds: Number(input.TimeoutSeconds ?? defaultTimeoutSeconds),
      requestedAt: this.#clock.now(),
      invocations: [],
    };
    this.#commands.set(command.id, command);
    for (const running of targets) this.#start(command, running, seconds * 1000);
    return jsonAnswer(200, { Command: describeCommand(command) });
  }

  #start(command: Command, { instance, body }: Running, timeoutMs: number): void {
    const invocation: Invocation = {
      instance: instance.InstanceId!,
      status: "InProgress",
      exitCode: -1,
      stdout: "",
      stderr: "",
      startedAt: this.#clock.now(),
      endedAt: undefined,
    };
    command.invocations.push(invocation);
    // A body that ends takes its commands along: SSM hears no more of them.
    const lost = body.stopped.then(() => notRun("the instance stopped before the command had ended"));
    Promise.race([body.exec(scriptOf(command.parameters), { timeoutMs }), lost])
      .catch((error: Error) => notRun(error.message))
      .then((finished) => Object.assign(invocation, outcomeOf(finished), { endedAt: this.#clock.now() }));
  }

  #invocation(region: string, { CommandId, InstanceId }: Input): Answer {
    const command = this.#command(region, CommandId);
    const invocation = command.invocations.find(({ instance }) => instance === InstanceId);
    if (invocation === undefined)
      throw new Refusal("InvocationDoesNotExist", `command ${command.id} was not sent to ${InstanceId}`);
    const { status, exitCode, stdout, stderr, startedAt, endedAt } = invocation;
    return jsonAnswer(200, {
      CommandId: command.id,
      InstanceId,
      Comment: command.comment,
      DocumentName: command.document,
      DocumentVersion: "$DEFAULT",
      PluginName: "aws:runShellScript",
      ResponseCode: exitCode,
      ExecutionStartDateTime: startedAt.toISOString(),
      ...(endedAt === undefined ? {} : { ExecutionEndDateTime: endedAt.toISOString() }),
      Status: status,
      StatusDetails: status,
      StandardOutputContent: kept(stdout, keptCharacters.stdout),
      StandardErrorContent: kept(stderr, keptCharacters.stderr),
      StandardOutputUrl: "",
      StandardErrorUrl: "",
    });
  }

  #list(region: string, { CommandId }: Input): Answer {
    return jsonAnswer(200, { Commands: this.#found(region, CommandId).map(describeCommand) });
  }

  #listInvocations(region: string, { CommandId, InstanceId }: Input): Answer {
    const CommandInvocations = this.#found(region, CommandId).flatMap((command) =>
      command.invocations
        .filter(({ instance }) => InstanceId === undefined || instance === InstanceId)
        .map((invocation) => describeInvocation(command, invocation)),
    );
    return jsonAnswer(200, { CommandInvocations });
  }

  async #managed(region: string, input: Input): Promise<Answer> {
    const { machines } = await this.#regionOf(region);
    const wanted = instanceFilter(input);
    const seen = this.#clock.now().getTime() / 1000;
    const InstanceInformationList = machines
      .list()
      .filter(({ instance }) => wanted === undefined || wanted.includes(instance.InstanceId!))
      .map(({ instance }) => ({
        InstanceId: instance.InstanceId,
        PingStatus: "Online",
        LastPingDateTime: seen,
        PlatformType: "Linux",
        ResourceType: "EC2Instance",
        IPAddress: instance.PrivateIpAddress,
        ComputerName: instance.PrivateDnsName,
      }));
    return jsonAnswer(200, { InstanceInformationList });
  }

  #found(region: string, id: unknown): Command[] {
    if (id !== undefined) return [this.#command(region, id)];
    return [...this.#commands.values()].filter((command) => command.region === region);
  }

  #command(region: string, id: unknown): Command {
    const command = this.#commands.get(String(id));
    if (command?.region === region) return command;
    throw new Refusal("InvocationDoesNotExist", `${region} knows no command ${JSON.stringify(id)}`);
  }
}

/** Named instances must all run; tags choose among those that do. */
function targetsOf({ InstanceIds = [], Targets = [] }: Input, running: readonly Running[]): Running[] {
  const targets = Targets as { Key: string; Values: string[] }[];
  const named = [
    ...(InstanceIds as string[]),
    ...targets.filter(({ Key }) => Key === "InstanceIds").flatMap(({ Values }) => Values),
  ];
  const byName = named.map((id) => {
    const found = running.find(({ instance }) => instance.InstanceId === id);
    if (found === undefined) throw new Refusal("InvalidInstanceId", `instance ${id} does not run here`);
    return found;
  });
  const tags = targets.filter(({ Key }) => Key.startsWith("tag:"));
  if (tags.length === 0) return byName;
  const matches = ({ instance }: Running) =>
    tags.every(({ Key, Values }) =>
      instance.Tags?.some((tag) => `tag:${tag.Key}` === Key && Values.includes(tag.Value ?? "")),
    );
  return [...byName, ...running.filter(matches)];
}

/** The instances that a caller asks about; undefined for all. */
function instanceFilter({ Filters = [], InstanceInformationFilterList = [] }: Input): string[] | undefined {
  const filters = [
    ...(Filters as { Key: string; Values: string[] }[]).map(({ Key, Values }) => ({
      key: Key,
      values: Values,
    })),
    ...(InstanceInformationFilterList as { key: string; valueSet: string[] }[]).map(({ key, valueSet }) => ({
      key,
      values: valueSet,
    })),
  ];
  return filters.find(({ key }) => key === "InstanceIds")?.values;
}

function scriptOf({ commands = [], workingDirectory = [] }: Record<string, string[]>): string {
  const folder = workingDirectory[0] ?? "";
  const change = folder === "" ? [] : [`cd '${folder.replaceAll("'", `'\\''`)}' || exit`];
  return [...change, ...commands].join("\n");
}

function notRun(reason: string): Finished {
  return { ending: { kind: "not-started", reason }, stdout: "", stderr: reason };
}

function outcomeOf({ ending, stdout, stderr }: Finished): Partial<Invocation> {
  switch (ending.kind) {
    case "exited":
      return { status: ending.code === 0 ? "Success" : "Failed", exitCode: ending.code, stdout, stderr };
    case "killed":
      return { status: "TimedOut", exitCode: 137, stdout, stderr };
    case "not-started":
      return { status: "Failed", exitCode: 1, stdout, stderr: stderr || ending.reason };
  }
}

function kept(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, limit - truncated.length) + truncated;
}

function describeCommand(command: Command) {
  const { id, document, comment, parameters, timeoutSeconds, requestedAt, invocations } = command;
  const count = (...statuses: string[]) =>
    invocations.filter(({ status }) => statuses.includes(status)).length;
  const errors = count("Failed", "TimedOut");
  const status = count("InProgress") > 0 ? "InProgress" : errors > 0 ? "Failed" : "Success";
  return {
    CommandId: id,
    DocumentName: document,
    DocumentVersion: "$DEFAULT",
    Comment: comment,
    Parameters: parameters,
    InstanceIds: invocations.map(({ instance }) => instance),
    RequestedDateTime: requestedAt.getTime() / 1000,
    ExpiresAfter: requestedAt.getTime() / 1000 + timeoutSeconds,
    TimeoutSeconds: timeoutSeconds,
    Status: status,
    StatusDetails: status,
    TargetCount: invocations.length,
    CompletedCount: invocations.length - count("InProgress"),
    ErrorCount: errors,
  };
}

function describeInvocation(command: Command, { instance, status, exitCode, stdout }: Invocation) {
  return {
    CommandId: command.id,
    InstanceId: instance,
    Comment: command.comment,
    DocumentName: command.document,
    RequestedDateTime: command.requestedAt.getTime() / 1000,
    Status: status,
    StatusDetails: status,
    CommandPlugins: [
      {
        Name: "aws:runShellScript",
        Status: status,
        StatusDetails: status,
        ResponseCode: exitCode,
        // The list shows less than the one invocation does.
        Output: kept(stdout, 2_500),
      },
    ],
  };
}
