import type { RestoredFrom } from "../recovery/verify.ts";
import type { ObjectStore } from "./aws/objects.ts";

/** The parts of Terraform's state file (format 4) that Rekindle reads. */
interface State {
  resources: { mode: string; type: string; instances: { attributes: Record<string, unknown> }[] }[];
}

/** True when the state holds managed resources. */
export async function holdsResources(store: ObjectStore, key: string): Promise<boolean> {
  return (await readState(store, key)).resources.some(({ mode }) => mode === "managed");
}

/** DB instance → the snapshot that Terraform had it restored from. */
export async function readRestoredFrom(store: ObjectStore, key: string): Promise<RestoredFrom> {
  const state = await readState(store, key);
  return Object.fromEntries(
    state.resources
      .filter(({ type }) => type === "aws_db_instance")
      .flatMap(({ instances }) => instances)
      .map(({ attributes }) => [
        String(attributes.identifier),
        (attributes.snapshot_identifier as string | null) ?? undefined,
      ]),
  );
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
