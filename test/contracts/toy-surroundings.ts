import type { IncomingMessage, ServerResponse } from "node:http";
import type { Surroundings } from "../../sandbox/bodies/engine.ts";

/** What a test's bodies find around them: metadata of the second version, an AWS that answers anything, and names. */
export interface ToySurroundings extends Surroundings {
  /** User-data by private address. */
  userData: Map<string, string>;
  names: Map<string, string>;
  /** What bodies asked AWS: method, path and body. */
  asked: string[];
}

export function toySurroundings(): ToySurroundings {
  const userData = new Map<string, string>();
  const names = new Map<string, string>();
  const asked: string[] = [];
  return {
    userData,
    names,
    asked,
    resolve: (name) => names.get(name),
    metadata(address, request, response) {
      const [, , ...path] = (request.url ?? "").split("/");
      if (request.method === "PUT" && path.join("/") === "api/token") return end(response, 200, "a-token");
      if (request.headers["x-aws-ec2-metadata-token"] !== "a-token") return end(response, 401, "");
      const found = at(path, tree(address, userData.get(address)));
      end(response, found === undefined ? 404 : 200, found ?? "");
    },
    aws(request, response) {
      void read(request).then((body) => {
        asked.push(`${request.method} ${request.url} ${body}`);
        end(response, 200, "an answer");
      });
    },
  };
}

/** The instance id that a body with an address is told: another address, another instance. */
export function instanceId(address: string): string {
  const digits = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return `i-012345678${digits.join("")}`;
}

interface Tree {
  [name: string]: string | Tree;
}

function tree(address: string, userData: string | undefined): Tree {
  const identity = { region: "eu-west-1", instanceId: instanceId(address), privateIp: address };
  return {
    "meta-data": {
      "ami-id": "ami-0123456789abcdef0",
      hostname: `ip-${address.replaceAll(".", "-")}`,
      "instance-id": instanceId(address),
      "instance-type": "t3.micro",
      "local-hostname": `ip-${address.replaceAll(".", "-")}`,
      "local-ipv4": address,
      placement: { "availability-zone": "eu-west-1a", region: "eu-west-1" },
    },
    ...(userData === undefined ? {} : { "user-data": userData }),
    dynamic: { "instance-identity": { document: JSON.stringify(identity) } },
  };
}

function at([name, ...rest]: string[], found: string | Tree | undefined): string | undefined {
  if (found === undefined || typeof found === "string") return name ? undefined : found;
  if (name) return at(rest, found[name]);
  return Object.entries(found)
    .map(([entry, inner]) => (typeof inner === "string" ? entry : `${entry}/`))
    .join("\n");
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function end(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(body);
}
