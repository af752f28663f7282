import { once } from "node:events";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Action, Listener as Described, Rule } from "@aws-sdk/client-elastic-load-balancing-v2";
import { actionFor, targetGroupsOf } from "./listener-rules.ts";
import type { Target, TargetGroups } from "./target-groups.ts";

/** What a listener is told to do; replaced whenever it was changed in AWS. */
export interface ListenerWork {
  listener: Described;
  rules: readonly Rule[];
}

/** One listener of a load balancer, open on a free port of the loopback interface. */
export interface OpenListener {
  port: number;
  work: ListenerWork;
  close(): void;
}

/** As long as a load balancer waits for its target. */
const idleMs = 60_000;

/** `admit` takes a connection for itself while the region is lost, and says whether it did. */
export async function openListener(
  work: ListenerWork,
  groups: TargetGroups,
  admit: (socket: Socket) => boolean,
): Promise<OpenListener> {
  const sockets = new Set<Socket>();
  const inTurn = rotation();
  const open: OpenListener = {
    port: 0,
    work,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  const isHttp = /^HTTPS?$/.test(work.listener.Protocol ?? "HTTP");
  const server: Server = isHttp
    ? createHttpServer((incoming, response) => {
        if (admit(incoming.socket)) void answerHttp(open.work, groups, inTurn, incoming, response);
      })
    : createTcpServer((socket) => {
        if (admit(socket)) void carryTcp(open.work, groups, inTurn, socket);
      });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.port = (server.address() as AddressInfo).port;
  return open;
}

/** Whose turn it is, counted for each list of choices by itself. */
type InTurn = <T>(list: string, choices: readonly T[]) => T | undefined;

function rotation(): InTurn {
  const counts = new Map<string, number>();
  return (list, choices) => {
    const count = counts.get(list) ?? 0;
    counts.set(list, count + 1);
    return choices[count % choices.length];
  };
}

/** A healthy target; when none is, any, as AWS fails open; none when none is registered. */
async function chooseTarget(
  action: Action,
  groups: TargetGroups,
  inTurn: InTurn,
): Promise<Target | undefined> {
  const group = inTurn("groups", targetGroupsOf(action));
  if (group === undefined) return undefined;
  const targets = (await groups.recent(group)).filter(({ health }) => health.state !== "unused");
  const healthy = targets.filter(({ health }) => health.state === "healthy");
  return inTurn(group, healthy.length > 0 ? healthy : targets);
}

async function answerHttp(
  { listener, rules }: ListenerWork,
  groups: TargetGroups,
  inTurn: InTurn,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url = "/", headers } = incoming;
  const host = headers.host ?? "";
  const asked = { method, host: host.replace(/:\d+$/, ""), path: url.split("?")[0]! };
  const action = actionFor(asked, rules, listener.DefaultActions ?? []);
  switch (action?.Type) {
    case "fixed-response": {
      const {
        StatusCode = "503",
        ContentType = "text/plain",
        MessageBody = "",
      } = action.FixedResponseConfig ?? {};
      response.writeHead(Number(StatusCode), { "Content-Type": ContentType }).end(MessageBody);
      return;
    }
    case "redirect":
      response.writeHead(...redirect(action, listener, asked.host, url)).end();
      return;
    case "forward":
      return await forwardHttp(action, listener, groups, inTurn, incoming, response);
    default:
      refuse(response, 503, "this listener has no action for the request");
  }
}

async function forwardHttp(
  action: Action,
  listener: Described,
  groups: TargetGroups,
  inTurn: InTurn,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const target = await chooseTarget(action, groups, inTurn);
    if (target === undefined) return refuse(response, 503, "no target is registered");
    const stream = await groups.connect(target, target.port);
    response.on("close", () => stream.destroy());
    const { method, url: path } = incoming;
    const asked = request(
      { createConnection: () => stream, method, path, headers: forwardedHeaders(incoming, listener) },
      (answer) => {
        const { connection, "keep-alive": _, ...kept } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, kept);
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      },
    );
    asked.on("error", (error) => refuse(response, 502, `${target.id}: ${error.message}`));
    const limit = setTimeout(() => refuse(response, 504, `${target.id} did not answer in time`), idleMs);
    response.on("close", () => clearTimeout(limit));
    incoming.pipe(asked);
  } catch (error) {
    refuse(response, 502, (error as Error).message);
  }
}

function forwardedHeaders(incoming: IncomingMessage, { Protocol = "HTTP", Port }: Described) {
  const { connection, "keep-alive": _, ...kept } = incoming.headers;
  const client = incoming.socket.remoteAddress ?? "127.0.0.1";
  const before = incoming.headers["x-forwarded-for"];
  return {
    ...kept,
    connection: "close",
    "x-forwarded-for": before === undefined ? client : `${before}, ${client}`,
    "x-forwarded-proto": Protocol.toLowerCase(),
    "x-forwarded-port": String(Port ?? 80),
  };
}

async function carryTcp(
  { listener, rules }: ListenerWork,
  groups: TargetGroups,
  inTurn: InTurn,
  socket: Socket,
): Promise<void> {
  try {
    const action = actionFor({ method: "", host: "", path: "" }, rules, listener.DefaultActions ?? []);
    const target = action && (await chooseTarget(action, groups, inTurn));
    if (target === undefined) return void socket.destroy();
    const stream = await groups.connect(target, target.port);
    socket.on("close", () => stream.destroy());
    stream.on("close", () => socket.destroy()).on("error", () => socket.destroy());
    socket.pipe(stream).pipe(socket);
  } catch {
    socket.destroy();
  }
}

/** As a load balancer says that it has nothing to give; the reason is there for whoever looks. */
function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "Content-Type": "text/plain" }).end(`${status} ${reason}\n`);
}

function redirect(
  { RedirectConfig }: Action,
  { Protocol = "HTTP", Port = 80 }: Described,
  host: string,
  url: string,
): [number, { Location: string }] {
  const mark = url.indexOf("?");
  const now: Record<string, string> = {
    protocol: Protocol.toLowerCase(),
    host,
    port: String(Port),
    path: (mark < 0 ? url : url.slice(0, mark)).slice(1),
    query: mark < 0 ? "" : url.slice(mark + 1),
  };
  const filled = (text: string) => text.replaceAll(/#\{(\w+)\}/g, (_, name: string) => now[name] ?? "");
  const to = {
    protocol: filled(RedirectConfig?.Protocol ?? "#{protocol}").toLowerCase(),
    host: filled(RedirectConfig?.Host ?? "#{host}"),
    port: filled(RedirectConfig?.Port ?? "#{port}"),
    path: filled(RedirectConfig?.Path ?? "/#{path}"),
    query: filled(RedirectConfig?.Query ?? "#{query}"),
  };
  const Location = `${to.protocol}://${to.host}:${to.port}${to.path}${to.query === "" ? "" : `?${to.query}`}`;
  return [RedirectConfig?.StatusCode === "HTTP_301" ? 301 : 302, { Location }];
}
