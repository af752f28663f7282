import { parse } from "yaml";
import type { Fault } from "../errors.ts";
import { environmentSchema, roleSchema, type Topology } from "./schema.ts";

export type Loaded = { kind: "valid"; topology: Topology } | { kind: "faulty"; faults: Fault[] };

export function loadTopology(
  files: ReadonlyMap<string, { content: Uint8Array; mode: string }>,
  name: string,
): Loaded {
  const text = (p: string) => Buffer.from(files.get(p)!.content).toString();
  const environment = environmentSchema.parse(parse(text(`configs/environments/${name}.yaml`)));
  const roles = Object.fromEntries(
    Object.keys(environment.roles).map((role) => [
      role,
      roleSchema.parse(parse(text(`configs/roles/${role}/role.yaml`))),
    ]),
  );
  return { kind: "valid", topology: { environment, roles } };
}
