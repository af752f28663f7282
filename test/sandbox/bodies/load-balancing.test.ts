import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeVpcsCommand,
  type Instance,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  type Action,
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  type CreateTargetGroupCommandInput,
  DeleteListenerCommand,
  DescribeTargetHealthCommand,
  ModifyListenerCommand,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { afterEach, describe, expect, test, vi } from "vitest";
import { sandboxWithBodies } from "./gateway-with-bodies.ts";
import { launch } from "./launch.ts";

const region = "eu-west-1";
const { engine, sandbox, aws } = sandboxWithBodies();

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    if ("closeAllConnections" in server) (server as Server).closeAllConnections();
    server.close();
  }
  engine().servers.clear();
});

/** A web server in an instance's body, as far as `connect` can tell; answers with its instance's id. */
async function serve(
  { InstanceId, PrivateIpAddress }: Instance,
  answer: (request: IncomingMessage) => { status: number; text?: string } = () => ({ status: 200 }),
): Promise<Server> {
  const server = createServer((request, response) => {
    const { status, text = InstanceId! } = answer(request);
    response.writeHead(status).end(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  engine().servers.set(`${PrivateIpAddress}:80`, (server.address() as AddressInfo).port);
  return server;
}

async function targetGroup(input: Partial<CreateTargetGroupCommandInput> = {}, ...targets: Instance[]) {
  const { elb } = aws();
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({
      Name: "web",
      Protocol: "HTTP",
      Port: 80,
      VpcId: targets[0]?.VpcId ?? (await defaultVpc()),
      HealthCheckPath: "/healthz",
      ...input,
    }),
  );
  const TargetGroupArn = TargetGroups![0]!.TargetGroupArn!;
  const Targets = targets.map(({ InstanceId }) => ({ Id: InstanceId! }));
  if (Targets.length > 0) await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets }));
  return TargetGroupArn;
}

async function defaultVpc(): Promise<string> {
  return (await aws().ec2.send(new DescribeVpcsCommand({}))).Vpcs![0]!.VpcId!;
}

async function loadBalancer(action: Action, type: "application" | "network" = "application") {
  const { ec2, elb } = aws();
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.9.0.0/16" }));
  const { Subnet } = await ec2.send(
    new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: "10.9.0.0/24" }),
  );
  const { LoadBalancers } = await elb.send(
    new CreateLoadBalancerCommand({ Name: "web", Subnets: [Subnet!.SubnetId!], Type: type }),
  );
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers![0]!.LoadBalancerArn!,
      Protocol: type === "network" ? "TCP" : "HTTP",
      Port: 80,
      DefaultActions: [action],
    }),
  );
  return Listeners![0]!.ListenerArn!;
}

async function healthOf(TargetGroupArn: string) {
  const said = await aws().elb.send(new DescribeTargetHealthCommand({ TargetGroupArn }));
  return said.TargetHealthDescriptions!.map(({ TargetHealth }) => TargetHealth);
}

async function address(): Promise<string> {
  return (await sandbox().listeners())[0]!.address;
}

async function get(path = "/", headers = {}) {
  const response = await fetch(`http://${await address()}${path}`, { headers, redirect: "manual" });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe("target health", () => {
  test("is the server's own answer, by its code", async () => {
    const instance = await launch(aws().ec2);
    let status = 200;
    await serve(instance, ({ url }) => ({ status: url === "/healthz" ? status : 404 }));
    const TargetGroupArn = await targetGroup({}, instance);
    await loadBalancer({ Type: "forward", TargetGroupArn });
    expect(await healthOf(TargetGroupArn)).toEqual([{ State: "healthy" }]);
    status = 503;
    expect(await healthOf(TargetGroupArn)).toEqual([
      {
        State: "unhealthy",
        Reason: "Target.ResponseCodeMismatch",
        Description: "Health checks failed with these codes: [503]",
      },
    ]);
  });

  test("is bad where nothing listens, and where nothing answers in time", async () => {
    const instance = await launch(aws().ec2);
    const patience = { HealthCheckTimeoutSeconds: 2, HealthCheckIntervalSeconds: 5 };
    const TargetGroupArn = await targetGroup(patience, instance);
    await loadBalancer({ Type: "forward", TargetGroupArn });
    expect(await healthOf(TargetGroupArn)).toMatchObject([
      { State: "unhealthy", Reason: "Target.FailedHealthChecks" },
    ]);
    const server = createTcpServer(() => undefined);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    engine().servers.set(`${instance.PrivateIpAddress}:80`, (server.address() as AddressInfo).port);
    expect(await healthOf(TargetGroupArn)).toMatchObject([{ State: "unhealthy", Reason: "Target.Timeout" }]);
  });

  test("is unused while no load balancer uses it, and while the instance is stopped", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    await serve(instance);
    const TargetGroupArn = await targetGroup({}, instance);
    expect(await healthOf(TargetGroupArn)).toMatchObject([{ State: "unused", Reason: "Target.NotInUse" }]);
    await loadBalancer({ Type: "forward", TargetGroupArn });
    expect(await healthOf(TargetGroupArn)).toMatchObject([{ State: "healthy" }]);
    await ec2.send(new StopInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    expect(await healthOf(TargetGroupArn)).toMatchObject([
      { State: "unused", Reason: "Target.InvalidState" },
    ]);
  });

  test("of a group that is not there is the emulator's refusal", async () => {
    await expect(healthOf(`arn:aws:elasticloadbalancing:${region}:1:targetgroup/x/y`)).rejects.toMatchObject({
      name: "TargetGroupNotFoundException",
    });
  });
});

describe("a listener", () => {
  test("is open on this machine, and says for which load balancer and region", async () => {
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup() });
    expect(await sandbox().listeners()).toEqual([
      {
        region,
        loadBalancer: "web",
        dnsName: expect.stringMatching(/^web-.*\.elb\.amazonaws\.com$/),
        protocol: "HTTP",
        port: 80,
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
    ]);
    expect((await get()).status).toBe(503);
  });

  test("sends to the healthy targets, in turn", async () => {
    const { ec2 } = aws();
    const [one, other, ill] = [await launch(ec2), await launch(ec2), await launch(ec2)];
    await serve(one);
    await serve(other);
    await serve(ill, () => ({ status: 500 }));
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup({}, one, other, ill) });
    const answers = new Set<string>();
    for (let count = 0; count < 6; count += 1) answers.add((await get()).text);
    expect([...answers].sort()).toEqual([one.InstanceId, other.InstanceId].sort());
  });

  test("tells its target who asked, and passes on what was sent", async () => {
    const instance = await launch(aws().ec2);
    await serve(instance, ({ headers, url }) => ({ status: 200, text: JSON.stringify({ headers, url }) }));
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup({}, instance) });
    const { text } = await get("/orders?page=2", { "x-request": "7" });
    expect(JSON.parse(text)).toMatchObject({
      url: "/orders?page=2",
      headers: {
        "x-request": "7",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-port": "80",
      },
    });
  });

  test("answers 502 when its only target does not", async () => {
    const instance = await launch(aws().ec2);
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup({}, instance) });
    expect((await get()).status).toBe(502);
  });

  test("follows its rules and its changes, and closes when it is deleted", async () => {
    const { elb } = aws();
    const fixed = (MessageBody: string): Action => ({
      Type: "fixed-response",
      FixedResponseConfig: { StatusCode: "200", ContentType: "text/plain", MessageBody },
    });
    const ListenerArn = await loadBalancer(fixed("default"));
    await elb.send(
      new CreateRuleCommand({
        ListenerArn,
        Priority: 1,
        Conditions: [{ Field: "path-pattern", Values: ["/api/*"] }],
        Actions: [fixed("api")],
      }),
    );
    expect((await get("/")).text).toBe("default");
    expect((await get("/api/orders")).text).toBe("api");
    const RedirectConfig = { Protocol: "HTTPS", Port: "443", StatusCode: "HTTP_301" as const };
    const DefaultActions = [{ Type: "redirect" as const, RedirectConfig }];
    await elb.send(new ModifyListenerCommand({ ListenerArn, DefaultActions }));
    const { status, headers } = await get("/a?b=c", { host: "shop.example" });
    expect([status, headers.get("location")]).toEqual([301, "https://127.0.0.1:443/a?b=c"]);
    const open = await address();
    await elb.send(new DeleteListenerCommand({ ListenerArn }));
    expect(await sandbox().listeners()).toEqual([]);
    await expect(fetch(`http://${open}/`)).rejects.toThrow();
  });

  test("of a network load balancer carries bytes both ways", async () => {
    const instance = await launch(aws().ec2);
    const echo = createTcpServer((socket) => void socket.pipe(socket));
    servers.push(echo);
    await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
    engine().servers.set(`${instance.PrivateIpAddress}:80`, (echo.address() as AddressInfo).port);
    const TargetGroupArn = await targetGroup({ Protocol: "TCP", HealthCheckPath: undefined }, instance);
    await loadBalancer({ Type: "forward", TargetGroupArn }, "network");
    const [host, port] = (await address()).split(":");
    const socket = connect(Number(port), host);
    socket.write("ping");
    const [said] = (await once(socket, "data")) as [Buffer];
    expect(said.toString()).toBe("ping");
    socket.destroy();
  });

  test("of a lost region resets whoever asks, or leaves them waiting until it is back", async () => {
    const instance = await launch(aws().ec2);
    await serve(instance);
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup({}, instance) });
    expect((await get()).status).toBe(200);
    await sandbox().loseRegion(region, "refused");
    await expect(get()).rejects.toThrow();
    await sandbox().loseRegion(region, "timeout");
    const asked = get();
    const waited = await Promise.race([
      asked.catch(() => "reset"),
      new Promise((resolve) => setTimeout(resolve, 500, "waits")),
    ]);
    expect(waited).toBe("waits");
    await sandbox().restoreRegion(region);
    await expect(asked).rejects.toThrow();
    expect((await get()).text).toBe(instance.InstanceId);
  });

  test("gives nothing more of a target that is terminated", async () => {
    const { ec2 } = aws();
    const instance = await launch(ec2);
    await serve(instance);
    await loadBalancer({ Type: "forward", TargetGroupArn: await targetGroup({}, instance) });
    expect((await get()).status).toBe(200);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance.InstanceId!] }));
    await vi.waitFor(async () => expect((await get()).status).toBeGreaterThan(500), { timeout: 5_000 });
  });
});
