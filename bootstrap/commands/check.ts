import { keyAlias } from "../config/names.ts";
import { type Check, check } from "../recovery/check.ts";
import type { Wish } from "../recovery/choose.ts";
import { describePin } from "../recovery/database-pin.ts";
import type { Pins } from "../recovery/pins.ts";
import { resolvePlan } from "../recovery/resolve.ts";
import { describeSource, type Restorable } from "../recovery/restorable.ts";
import { sha256 } from "../release/digest.ts";
import type { CheckContext } from "./check-context.ts";
import { checkNewestDumps } from "./check-dumps.ts";
import { checkPoints } from "./check-points.ts";
import { lookAround } from "./plan.ts";
import { verifyRelease } from "./verify-release.ts";

/**
 * Reads everything that a recovery would need in one region, there: the release and its signature, the key, the newest
 * point's snapshots, the images, all that the pinned plan pins, and the newest dump of each name.
 */
export async function checkRegion(context: CheckContext): Promise<Check[]> {
  const { topology, region, now } = context;
  const { catalog } = region;
  await context.account.demand(topology.environment.account, region.region);
  await catalog.store.inspect();
  const wish: Wish = { kind: "newest" };
  const around = await lookAround({ topology, ...region }, wish, now);
  const { contents, restorable } = around;
  const planned = resolvePlan({ topology, region: region.region, wish, now, ...around });
  const plan = planned.kind === "planned" ? planned.plan : undefined;
  const pinned = (await catalog.pinnedPlan())?.plan;
  const here = pinned?.region === region.region ? pinned : undefined;
  const releases = new Set([
    ...(contents.pointer === undefined ? [] : [contents.pointer.release]),
    ...[plan, here].flatMap((one) => one?.pins.release.release ?? []),
  ]);
  return [
    {
      name: "a plan for the newest state",
      passed: plan !== undefined,
      expected: "can be made",
      found:
        planned.kind === "planned"
          ? `from ${planned.plan.point ?? "no point: no data set needs one"}`
          : planned.reasons.join("; "),
    },
    await checkKey(context),
    ...(await Promise.all([...releases].map((release) => checkRelease(context, release)))),
    ...(plan === undefined ? [] : await checkImages(context, plan.pins)),
    ...(plan?.point === undefined ? [] : await checkPoints(context, [plan.point])),
    ...(here === undefined ? [] : await checkPinned(context, here.id, here.pins)),
    ...(here === undefined ? [] : checkSeconds(here.pins, restorable)),
    ...(here?.point === undefined || here.point === plan?.point
      ? []
      : await checkPoints(context, [here.point])),
    ...(await checkNewestDumps(context)),
  ];
}

async function checkKey({ account, topology, region }: CheckContext): Promise<Check> {
  const alias = keyAlias(topology.environment.name);
  const name = `key ${alias} in ${region.region}`;
  try {
    await account.usableKey(region.region, alias);
    return check(name, "usable", "usable");
  } catch (error) {
    return { name, passed: false, expected: "usable", found: (error as Error).message };
  }
}

async function checkRelease({ region, trusted }: CheckContext, release: string): Promise<Check> {
  const verified = await verifyRelease({ release, pinned: {}, catalogs: [region.catalog], trusted });
  const damage = verified.damage.map(({ bucket, key, fault }) => `s3://${bucket}/${key}: ${fault}`);
  return {
    name: `release ${release} in ${region.region}`,
    passed: damage.length === 0,
    expected: "as it was published",
    found: damage.join("; ") || `${verified.intact} objects as they were published`,
  };
}

async function checkImages({ region }: CheckContext, pins: Pins): Promise<Check[]> {
  return Promise.all(
    Object.entries(pins.roles).map(async ([role, { imageId }]) => {
      const state = await region.images.state(imageId);
      const found = typeof state === "string" ? state : state.reason;
      return check(`image ${imageId} of ${role} in ${region.region}`, "available", found);
    }),
  );
}

/** Whether what a pinned plan restores databases from still reaches its seconds: backups expire. */
function checkSeconds({ databases }: Pins, restorable: readonly Restorable[]): Check[] {
  return Object.entries(databases).flatMap(([name, pin]) => {
    if (pin.kind !== "point-in-time") return [];
    const source = describeSource(pin.source);
    const window = restorable.find((one) => one.database === name && describeSource(one.source) === source);
    const [from, until, wanted] = [window?.from, window?.until, pin.restoreTime].map((at) =>
      Date.parse(at ?? ""),
    );
    return [
      {
        name: `what database ${name} of the pinned plan comes from`,
        passed: from! <= wanted! && wanted! <= until!,
        expected: describePin(pin),
        found:
          window === undefined
            ? "nothing that reaches it"
            : `reaches from ${window.from} until ${window.until}`,
      },
    ];
  });
}

/** What a pinned plan adds to the newest state's: the manifest's very version, and the images as they were then. */
async function checkPinned(context: CheckContext, plan: string, pins: Pins): Promise<Check[]> {
  const { store } = context.region.catalog;
  const { key, versionId, sha256: digest } = pins.manifest;
  const object = await store.get(key, versionId);
  return [
    check(
      `manifest of pinned plan ${plan}`,
      digest,
      object === undefined ? `s3://${store.bucket}/${key} has no version ${versionId}` : sha256(object.body),
    ),
    ...(await checkImages(context, pins)),
  ];
}
