import type { Clock } from "../bootstrap/edges/clock.ts";
import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService } from "./forward.ts";
import { Refusal } from "./refusal.ts";
import type { StandIn } from "./stand-in.ts";
import { xmlText } from "./xml-text.ts";

const Version = "2016-11-15";
const dayMs = 86_400_000;

/** Where a snapshot lies that was archived. A restore is under way until it was looked at once. */
interface Archived {
  restore?: { until: string; isDone: boolean };
}

/**
 * Stands in for EBS's archive tier, which the emulator lacks: what was archived, and until when it was brought back. At
 * once, but for the first look after a restore. Volumes are made of an archived snapshot all the same.
 */
export class SnapshotTierStandIn implements StandIn {
  readonly #clock: Clock;
  readonly #archived = new Map<string, Archived>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async answer(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
    if (request.service !== "ec2") return undefined;
    switch (request.action) {
      case "ModifySnapshotTier":
        return this.#modify(request, emulator);
      case "RestoreSnapshotTier":
        return this.#restore(request);
      case "DescribeSnapshotTierStatus":
        return this.#describe(request, emulator);
      default:
        return undefined;
    }
  }

  after = async () => undefined;

  reset(): void {
    this.#archived.clear();
  }

  async #modify({ region, form }: ApiRequest, emulator: Emulator): Promise<Answer> {
    const id = form.get("SnapshotId") ?? "";
    const [found] = await snapshots(emulator, region, [id]);
    if (found === undefined)
      throw new Refusal("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
    if (this.#archived.has(`${region}/${id}`))
      throw new Refusal("IncorrectState", `Snapshot ${id} is in the archive tier already.`);
    this.#archived.set(`${region}/${id}`, {});
    return answer("ModifySnapshotTier", `<snapshotId>${xmlText(id)}</snapshotId>`);
  }

  #restore({ region, form }: ApiRequest): Answer {
    const id = form.get("SnapshotId") ?? "";
    const archived = this.#archived.get(`${region}/${id}`);
    if (archived === undefined)
      throw new Refusal("IncorrectState", `Snapshot ${id} is not in the archive tier.`);
    const days = Number(form.get("TemporaryRestoreDays") ?? 0);
    const until = new Date(this.#clock.now().getTime() + days * dayMs).toISOString();
    archived.restore = { until, isDone: archived.restore?.isDone ?? false };
    return answer(
      "RestoreSnapshotTier",
      `<snapshotId>${xmlText(id)}</snapshotId><restoreDuration>${days}</restoreDuration>`,
    );
  }

  async #describe({ region, form }: ApiRequest, emulator: Emulator): Promise<Answer> {
    const asked = [...form].flatMap(([name, value]) => (/^Filter\.1\.Value\.\d+$/.test(name) ? [value] : []));
    const items = (await snapshots(emulator, region, asked)).map((id) => this.#item(region, id));
    return answer(
      "DescribeSnapshotTierStatus",
      `<snapshotTierStatusSet>${items.join("")}</snapshotTierStatusSet>`,
    );
  }

  #item(region: string, id: string): string {
    const archived = this.#archived.get(`${region}/${id}`);
    const restore = archived?.restore;
    const fields = {
      snapshotId: id,
      status: "completed",
      storageTier: archived === undefined ? "standard" : "archive",
      ...(archived === undefined ? {} : { lastTieringOperationStatus: operation(archived) }),
      ...(restore?.isDone ? { restoreExpiryTime: restore.until } : {}),
    };
    if (restore !== undefined) restore.isDone = true;
    return `<item>${Object.entries(fields)
      .map(([name, value]) => `<${name}>${xmlText(value)}</${name}>`)
      .join("")}</item>`;
  }
}

function operation({ restore }: Archived): string {
  if (restore === undefined) return "archival-completed";
  return restore.isDone ? "temporary-restore-completed" : "temporary-restore-in-progress";
}

/** Those of some snapshots that are there. */
async function snapshots(emulator: Emulator, region: string, ids: readonly string[]): Promise<string[]> {
  const filter = Object.fromEntries(ids.map((id, index) => [`Filter.1.Value.${index + 1}`, id]));
  const xml = await callQueryService(emulator, "ec2", region, {
    Action: "DescribeSnapshots",
    Version,
    "Filter.1.Name": "snapshot-id",
    ...filter,
  });
  return [...xml.matchAll(/<snapshotId>([^<]+)<\/snapshotId>/g)].map(([, id]) => id!);
}

function answer(action: string, content: string): Answer {
  const body = `<${action}Response xmlns="http://ec2.amazonaws.com/doc/${Version}/">${content}</${action}Response>`;
  return { status: 200, headers: ["Content-Type", "text/xml"], body: Buffer.from(body) };
}
