import type { Answer } from "./answer.ts";
import type { ApiRequest } from "./api-request.ts";
import { withLength } from "./corrections.ts";
import type { Emulator } from "./emulator.ts";
import { callQueryService, forward } from "./forward.ts";

/**
 * Sends a request on, also one that copies what the sandbox's own account has shared with another one. The emulator looks
 * for a copy's source in the caller's account and nowhere else: there a shared source gets a stand-in, from which the
 * emulator copies. What was not shared is not there, as AWS has it too.
 */
export async function forwardAcrossAccounts(emulator: Emulator, request: ApiRequest): Promise<Answer> {
  const answer = await forward(emulator, request);
  return answer.status < 300 ? answer : ((await copyOfShared(request, emulator)) ?? answer);
}

async function copyOfShared(request: ApiRequest, emulator: Emulator): Promise<Answer | undefined> {
  const kind = kinds[request.action];
  const key = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1];
  if (kind === undefined || key === undefined) return undefined;
  const source = kind.source(request);
  const version = kind.service === "ec2" ? "2016-11-15" : "2014-10-31";
  const as =
    (who?: string): Call =>
    (Action, parameters) =>
      callQueryService(
        emulator,
        kind.service,
        source.region,
        { Action, Version: version, ...parameters },
        who,
      );
  const caller = valuesIn(await callQueryService(emulator, "sts", source.region, whoAmI, key), "Account")[0]!;
  try {
    if (!(await kind.isShared(as(), source.id, caller))) return undefined;
  } catch (error) {
    // The owner has no such thing either.
    if (/NotFound/.test((error as Error).message)) return undefined;
    throw error;
  }
  const standIn = await kind.make(as(key), await kind.describe(as(), source.id));
  try {
    return await forward(emulator, naming(request, kind.parameter, standIn.id));
  } finally {
    await standIn.remove();
  }
}

const whoAmI = { Action: "GetCallerIdentity", Version: "2011-06-15" };

type Call = (action: string, parameters: Record<string, string>) => Promise<string>;

interface SharedKind {
  service: "ec2" | "rds";
  /** Names the source in a request. */
  parameter: string;
  source(request: ApiRequest): { id: string; region: string };
  isShared(owner: Call, id: string, account: string): Promise<boolean>;
  describe(owner: Call, id: string): Promise<string>;
  make(caller: Call, described: string): Promise<{ id: string; remove(): Promise<void> }>;
}

const kinds: Record<string, SharedKind> = {
  CopySnapshot: {
    service: "ec2",
    parameter: "SourceSnapshotId",
    source: ({ form, region }) => named(form, "SourceSnapshotId", region),
    isShared: isSnapshotShared,
    describe: (owner, id) => owner("DescribeSnapshots", { "SnapshotId.1": id }),
    async make(caller, described) {
      const Size = valuesIn(described, "volumeSize")[0]!;
      const AvailabilityZone = `${valuesIn(await caller("DescribeAvailabilityZones", {}), "zoneName")[0]}`;
      const VolumeId = valuesIn(await caller("CreateVolume", { Size, AvailabilityZone }), "volumeId")[0]!;
      const SnapshotId = valuesIn(await caller("CreateSnapshot", { VolumeId }), "snapshotId")[0]!;
      await caller("DeleteVolume", { VolumeId });
      return { id: SnapshotId, remove: async () => void (await caller("DeleteSnapshot", { SnapshotId })) };
    },
  },

  CopyImage: {
    service: "ec2",
    parameter: "SourceImageId",
    source: ({ form, region }) => named(form, "SourceImageId", region),
    // Whoever copies an image reads its snapshots.
    async isShared(owner, id, account) {
      const asked = { ImageId: id, Attribute: "launchPermission" };
      const permitted = valuesIn(await owner("DescribeImageAttribute", asked), "userId");
      const snapshots = valuesIn(await owner("DescribeImages", { "ImageId.1": id }), "snapshotId");
      const shares = await Promise.all(snapshots.map((one) => isSnapshotShared(owner, one, account)));
      return permitted.includes(account) && shares.every(Boolean);
    },
    describe: async (_, id) => id,
    async make(caller, Name) {
      const ImageId = valuesIn(await caller("RegisterImage", { Name }), "imageId")[0]!;
      const snapshots = valuesIn(await caller("DescribeImages", { "ImageId.1": ImageId }), "snapshotId");
      return {
        id: ImageId,
        async remove() {
          await caller("DeregisterImage", { ImageId });
          for (const SnapshotId of snapshots) await caller("DeleteSnapshot", { SnapshotId });
        },
      };
    },
  },

  CopyDBSnapshot: {
    service: "rds",
    parameter: "SourceDBSnapshotIdentifier",
    source({ form, region }) {
      const arn = (form.get("SourceDBSnapshotIdentifier") ?? "").split(":");
      return { id: arn.at(-1)!, region: arn[3] ?? region };
    },
    async isShared(owner, id, account) {
      const said = await owner("DescribeDBSnapshotAttributes", { DBSnapshotIdentifier: id });
      return valuesIn(said, "AttributeValue").includes(account);
    },
    describe: (owner, id) => owner("DescribeDBSnapshots", { DBSnapshotIdentifier: id }),
    async make(caller, described) {
      const [Engine, AllocatedStorage] = ["Engine", "AllocatedStorage"].map(
        (name) => valuesIn(described, name)[0]!,
      );
      const id = `stand-in-for-${valuesIn(described, "DBSnapshotIdentifier")[0]}`.slice(0, 60);
      const DBInstanceIdentifier = id;
      await caller("CreateDBInstance", {
        DBInstanceIdentifier,
        Engine: Engine!,
        AllocatedStorage: AllocatedStorage!,
        DBInstanceClass: "db.t3.medium",
        MasterUsername: "standin",
        MasterUserPassword: "stand-in-password",
      });
      await caller("CreateDBSnapshot", { DBInstanceIdentifier, DBSnapshotIdentifier: id });
      await caller("DeleteDBInstance", { DBInstanceIdentifier, SkipFinalSnapshot: "true" });
      return {
        id,
        remove: async () => void (await caller("DeleteDBSnapshot", { DBSnapshotIdentifier: id })),
      };
    },
  },
};

async function isSnapshotShared(owner: Call, id: string, account: string): Promise<boolean> {
  const asked = { SnapshotId: id, Attribute: "createVolumePermission" };
  return valuesIn(await owner("DescribeSnapshotAttribute", asked), "userId").includes(account);
}

function named(form: URLSearchParams, parameter: string, region: string) {
  return { id: form.get(parameter) ?? "", region: form.get("SourceRegion") ?? region };
}

function naming(request: ApiRequest, parameter: string, id: string): ApiRequest {
  const form = new URLSearchParams(request.form);
  form.set(parameter, id);
  const body = Buffer.from(form.toString());
  return { ...request, form, body, rawHeaders: withLength(request.rawHeaders, body.length) };
}

function valuesIn(answer: string, name: string): string[] {
  return [...answer.matchAll(new RegExp(`<${name}>([^<]+)</${name}>`, "g"))].map(([, value]) => value!);
}
