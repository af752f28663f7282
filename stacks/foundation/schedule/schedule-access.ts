import { tags } from "../../../bootstrap/config/names.ts";
import { document, type PolicyDocument, type Statement } from "../policies.ts";

/** Where a schedule works. */
interface Place {
  environment: string;
  account: string;
  region: string;
}

/** Starts the one automation, with the one role that it takes. */
export function schedulerAccess({
  account,
  region,
  document: name,
  roleArn,
}: Place & { document: string; roleArn: string }): PolicyDocument {
  return document([
    {
      Sid: "StartAutomation",
      Effect: "Allow",
      Action: "ssm:StartAutomationExecution",
      Resource: [
        `arn:aws:ssm:${region}:${account}:automation-definition/${name}:*`,
        `arn:aws:ssm:${region}:${account}:document/${name}`,
      ],
    },
    passRole(roleArn, "ssm.amazonaws.com"),
  ]);
}

/** Asks the environment's own servers, and starts the one build. */
export function automationAccess({
  environment,
  account,
  region,
  project,
}: Place & { project: string }): PolicyDocument {
  return document([
    ...runShellScripts({ environment, account, region }),
    {
      Sid: "RunSnapshot",
      Effect: "Allow",
      Action: ["codebuild:StartBuild", "codebuild:BatchGetBuilds"],
      Resource: `arn:aws:codebuild:${region}:${account}:project/${project}`,
    },
  ]);
}

interface SnapshotSite {
  region: string;
  bucket: string;
  keyArn: string;
}

/**
 * What `rekindle snapshot` calls: in the primary's region it takes, in the others it copies, and it writes every
 * catalog. What goes to a vault is shared with its account, where the vault's own role copies it.
 */
export function snapshotAccess(
  place: Place & { sites: readonly SnapshotSite[]; vaultRoles: readonly string[] },
): PolicyDocument {
  const { environment, account, region, sites } = place;
  return document([
    ...catalogAccess(sites),
    ...keyAccess(sites),
    ...volumeAccess(place),
    ...databaseAccess(place),
    ...vaultAccess(place),
    ...runShellScripts({ environment, account, region }),
    {
      Sid: "WriteBuildLog",
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: `arn:aws:logs:${region}:${account}:log-group:/aws/codebuild/rekindle-${environment}-snapshot*`,
    },
  ]);
}

function catalogAccess(sites: readonly SnapshotSite[]): Statement[] {
  return [
    {
      Sid: "LookIntoBuckets",
      Effect: "Allow",
      Action: ["s3:ListBucket", "s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:GetBucketAcl"],
      Resource: sites.map(({ bucket }) => `arn:aws:s3:::${bucket}`),
    },
    {
      Sid: "ReadReleasesAndCatalog",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource: sites.flatMap(({ bucket }) =>
        ["current.json", "catalog/*", "git/*", "locks/*", "releases/*"].map(
          (key) => `arn:aws:s3:::${bucket}/${key}`,
        ),
      ),
    },
    {
      Sid: "WritePoints",
      Effect: "Allow",
      Action: "s3:PutObject",
      Resource: sites.flatMap(({ bucket }) =>
        ["catalog/*", "locks/*"].map((key) => `arn:aws:s3:::${bucket}/${key}`),
      ),
    },
    {
      // Of a point whose key has changed with its state; the bucket keeps the version.
      Sid: "LetGoOfEarlierKeys",
      Effect: "Allow",
      Action: "s3:DeleteObject",
      Resource: sites.map(({ bucket }) => `arn:aws:s3:::${bucket}/catalog/points/*`),
    },
  ];
}

/** By itself only to see that the key is there; its use is through the services that hold the data. */
function keyAccess(sites: readonly SnapshotSite[]): Statement[] {
  const Resource = sites.map(({ keyArn }) => keyArn);
  const through = sites.flatMap(({ region }) =>
    ["ec2", "rds", "s3"].map((service) => `${service}.${region}.amazonaws.com`),
  );
  return [
    { Sid: "SeeKeys", Effect: "Allow", Action: "kms:DescribeKey", Resource },
    {
      Sid: "UseKeysThroughServices",
      Effect: "Allow",
      Action: [
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
      ],
      Resource,
      Condition: { StringEquals: { "kms:ViaService": through } },
    },
    {
      Sid: "LetServicesUseKeys",
      Effect: "Allow",
      Action: "kms:CreateGrant",
      Resource,
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

/** Snapshots of the environment's own servers. EC2 has no finer grain for looking than everything. */
function volumeAccess({ environment, account, region, sites }: Place & { sites: readonly SnapshotSite[] }) {
  const own = { StringEquals: { [`ec2:ResourceTag/${tags.environment}`]: environment } };
  const snapshots = sites.map((site) => `arn:aws:ec2:${site.region}::snapshot/*`);
  return [
    {
      Sid: "SeeServersAndSnapshots",
      Effect: "Allow",
      Action: ["ec2:DescribeInstances", "ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:DescribeTags"],
      Resource: "*",
    },
    {
      Sid: "SnapshotOwnServers",
      Effect: "Allow",
      Action: "ec2:CreateSnapshots",
      Resource: [`arn:aws:ec2:${region}:${account}:instance/*`, `arn:aws:ec2:${region}:${account}:volume/*`],
      Condition: own,
    },
    {
      Sid: "MakeOwnSnapshots",
      Effect: "Allow",
      Action: ["ec2:CreateSnapshots", "ec2:CopySnapshot"],
      Resource: snapshots,
    },
    {
      Sid: "TagWhatIsMade",
      Effect: "Allow",
      Action: "ec2:CreateTags",
      Resource: snapshots,
      Condition: { StringEquals: { "ec2:CreateAction": ["CreateSnapshots", "CopySnapshot"] } },
    },
  ] satisfies Statement[];
}

function databaseAccess({ environment, account, sites }: Place & { sites: readonly SnapshotSite[] }) {
  const named = (kind: string, name: string) =>
    sites.map((site) => `arn:aws:rds:${site.region}:${account}:${kind}:${name}`);
  return [
    {
      Sid: "SnapshotOwnDatabases",
      Effect: "Allow",
      Action: [
        "rds:AddTagsToResource",
        "rds:CopyDBClusterSnapshot",
        "rds:CopyDBSnapshot",
        "rds:CreateDBClusterSnapshot",
        "rds:CreateDBSnapshot",
        "rds:DescribeDBClusterSnapshots",
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
      ],
      Resource: ["cluster", "cluster-snapshot", "db", "snapshot"].flatMap((kind) =>
        named(kind, `rekindle-${environment}-*`),
      ),
    },
    {
      // RDS names them itself.
      Sid: "SeeHowFarDatabasesGoBack",
      Effect: "Allow",
      Action: ["rds:DescribeDBInstanceAutomatedBackups"],
      Resource: named("auto-backup", "*"),
    },
  ] satisfies Statement[];
}

function vaultAccess({
  environment,
  account,
  sites,
  vaultRoles,
}: Place & { sites: readonly SnapshotSite[]; vaultRoles: readonly string[] }): Statement[] {
  if (vaultRoles.length === 0) return [];
  return [
    { Sid: "TakeVaultsRole", Effect: "Allow", Action: "sts:AssumeRole", Resource: [...vaultRoles] },
    {
      Sid: "ShareOwnSnapshots",
      Effect: "Allow",
      Action: "ec2:ModifySnapshotAttribute",
      Resource: sites.map((site) => `arn:aws:ec2:${site.region}::snapshot/*`),
      Condition: { StringEquals: { [`ec2:ResourceTag/${tags.environment}`]: environment } },
    },
    {
      Sid: "ShareOwnDatabaseSnapshots",
      Effect: "Allow",
      Action: ["rds:ModifyDBClusterSnapshotAttribute", "rds:ModifyDBSnapshotAttribute"],
      Resource: sites.flatMap((site) =>
        ["cluster-snapshot", "snapshot"].map(
          (kind) => `arn:aws:rds:${site.region}:${account}:${kind}:rekindle-${environment}-*`,
        ),
      ),
    },
  ];
}

/** AWS's own document, on the environment's own servers, and what became of it. */
function runShellScripts({ environment, account, region }: Place): Statement[] {
  return [
    {
      Sid: "RunShellScripts",
      Effect: "Allow",
      Action: "ssm:SendCommand",
      Resource: `arn:aws:ssm:${region}::document/AWS-RunShellScript`,
    },
    {
      Sid: "OnOwnServers",
      Effect: "Allow",
      Action: "ssm:SendCommand",
      Resource: `arn:aws:ec2:${region}:${account}:instance/*`,
      Condition: { StringEquals: { [`ssm:resourceTag/${tags.environment}`]: environment } },
    },
    {
      Sid: "SeeCommands",
      Effect: "Allow",
      Action: [
        "ssm:DescribeInstanceInformation",
        "ssm:GetCommandInvocation",
        "ssm:ListCommandInvocations",
        "ssm:ListCommands",
      ],
      Resource: "*",
    },
  ];
}

function passRole(roleArn: string, service: string): Statement {
  return {
    Sid: "PassRole",
    Effect: "Allow",
    Action: "iam:PassRole",
    Resource: roleArn,
    Condition: { StringEquals: { "iam:PassedToService": service } },
  };
}
