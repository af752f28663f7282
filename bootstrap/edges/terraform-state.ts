import type { DatabasePin } from "../recovery/database-pin.ts";
import type { RestoredFrom } from "../recovery/verify.ts";
import type { ObjectStore } from "./aws/objects.ts";

/** The parts of Terraform's state file (format 4) that Rekindle reads. */
interface State {
  resources: {
    mode: string;
    type: string;
    name: string;
    instances: { attributes: Record<string, unknown> }[];
  }[];
}

/** True when the state holds managed resources. */
export async function holdsResources(store: ObjectStore, key: string): Promise<boolean> {
  return (await readState(store, key)).resources.some(({ mode }) => mode === "managed");
}

/** What Terraform had databases begin with, by their identifiers. */
export async function readRestoredFrom(store: ObjectStore, key: string): Promise<RestoredFrom> {
  const state = await readState(store, key);
  return Object.fromEntries(
    state.resources
      .filter(({ type }) => type === "aws_db_instance" || type === "aws_rds_cluster")
      .flatMap(({ instances }) => instances)
      .map(({ attributes }) => [
        String(attributes.identifier ?? attributes.cluster_identifier),
        beginning(attributes as Beginning),
      ]),
  );
}

/** As the provider keeps it; empty text is what an argument that was left out may become. */
interface Beginning {
  snapshot_identifier?: string | null;
  restore_to_point_in_time?: { [argument: string]: string | boolean | null }[] | null;
}

function beginning({ snapshot_identifier, restore_to_point_in_time }: Beginning): DatabasePin {
  if (snapshot_identifier) return { kind: "snapshot", snapshotId: snapshot_identifier };
  const moment = restore_to_point_in_time?.[0];
  if (moment === undefined) return { kind: "fresh" };
  const arn = moment.source_db_instance_automated_backups_arn;
  const identifier = moment.source_db_instance_identifier || moment.source_cluster_identifier;
  return {
    kind: "point-in-time",
    source: arn ? { kind: "replicated", arn: String(arn) } : { kind: "live", identifier: String(identifier) },
    restoreTime: String(moment.restore_time || moment.restore_to_time),
  };
}

/** Where the state keeps an instance and the replication of its backups, by Terraform's addresses. */
export async function addressesOf(store: ObjectStore, key: string, identifier: string): Promise<string[]> {
  const { resources } = await readState(store, key);
  return resources
    .filter(({ type, instances: [instance] }) => {
      const { identifier: own, source_db_instance_arn: source } = instance?.attributes ?? {};
      if (type === "aws_db_instance") return own === identifier;
      return (
        type === "aws_db_instance_automated_backups_replication" &&
        String(source).endsWith(`:db:${identifier}`)
      );
    })
    .map(({ type, name }) => `${type}.${name}`);
}

/** Who holds a state's lock, by Terraform's own words; nothing when nobody does. */
export async function lockHolder(store: ObjectStore, key: string): Promise<string | undefined> {
  const object = await store.get(`${key}.tflock`);
  if (object === undefined) return undefined;
  const { Who, Operation, Created } = JSON.parse(object.body.toString()) as Record<string, string>;
  return `${Who ?? "someone unknown"} (${Operation ?? "unknown operation"} since ${Created ?? "an unknown time"})`;
}

async function readState(store: ObjectStore, key: string): Promise<State> {
  const object = await store.get(key);
  return object === undefined ? { resources: [] } : (JSON.parse(object.body.toString()) as State);
}
