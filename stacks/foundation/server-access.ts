import { tags } from "../../bootstrap/config/names.ts";
import { document, type PolicyDocument, type Statement } from "./policies.ts";

/** A server as its policy sees it: what it is, and where it may find what is its own. */
export interface ServerIdentity {
  environment: string;
  account: string;
  role: string;
  sites: readonly ServerSite[];
}

interface ServerSite {
  region: string;
  bucket: string;
  keyArn: string;
  /** Identifiers of the instances and clusters whose client the role is. */
  databases: readonly string[];
  clusters: readonly string[];
}

/**
 * What a server of one role may do. It reads its own bundles, the manifests, its parameters and secrets and its
 * databases' passwords; it writes its boot report, and says on its own kind's instances how the boot went.
 */
export function serverAccess(server: ServerIdentity): PolicyDocument {
  return document([
    readReleases(server),
    writeReports(server),
    ...useKeys(server),
    readParameters(server),
    readSecrets(server),
    tagInstances(server),
    obeySsm(),
    ...databasePasswords(server),
  ]);
}

function readReleases({ role, sites }: ServerIdentity): Statement {
  return {
    Sid: "ReadOwnBundlesAndManifests",
    Effect: "Allow",
    Action: ["s3:GetObject", "s3:GetObjectVersion"],
    Resource: sites.flatMap(({ bucket }) => [
      `arn:aws:s3:::${bucket}/bundles/${role}/*`,
      `arn:aws:s3:::${bucket}/releases/*`,
    ]),
  };
}

function writeReports({ role, sites }: ServerIdentity): Statement {
  return {
    Sid: "WriteOwnReports",
    Effect: "Allow",
    Action: "s3:PutObject",
    Resource: sites.map(({ bucket }) => `arn:aws:s3:::${bucket}/reports/${role}/*`),
  };
}

/** Never by itself: only where a service uses the key for what the server may read or write there. */
function useKeys({ sites }: ServerIdentity): Statement[] {
  const through = (...services: string[]) => ({
    StringEquals: {
      "kms:ViaService": sites.flatMap(({ region }) =>
        services.map((service) => `${service}.${region}.amazonaws.com`),
      ),
    },
  });
  const Resource = sites.map(({ keyArn }) => keyArn);
  return [
    {
      Sid: "DecryptThroughServices",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource,
      Condition: through("s3", "ssm", "secretsmanager"),
    },
    {
      Sid: "EncryptReports",
      Effect: "Allow",
      Action: ["kms:Encrypt", "kms:GenerateDataKey"],
      Resource,
      Condition: through("s3"),
    },
  ];
}

function readParameters({ environment, account, role, sites }: ServerIdentity): Statement {
  return {
    Sid: "ReadOwnParameters",
    Effect: "Allow",
    Action: ["ssm:GetParameter", "ssm:GetParameters"],
    Resource: sites.flatMap(({ region }) =>
      ["*/databases/*/endpoint", "*/databases/*/secret", `${role}/*`].map(
        (path) => `arn:aws:ssm:${region}:${account}:parameter/rekindle/${environment}/${path}`,
      ),
    ),
  };
}

function readSecrets({ account, role, sites }: ServerIdentity): Statement {
  return {
    Sid: "ReadOwnSecrets",
    Effect: "Allow",
    Action: "secretsmanager:GetSecretValue",
    Resource: sites.map(
      ({ region }) => `arn:aws:secretsmanager:${region}:${account}:secret:rekindle/${role}/*`,
    ),
  };
}

/** IAM can't say "itself" of an instance; its own role in its own environment is the nearest that it can say. */
function tagInstances({ environment, account, role, sites }: ServerIdentity): Statement {
  return {
    Sid: "TellReleaseAndBoot",
    Effect: "Allow",
    Action: "ec2:CreateTags",
    Resource: sites.map(({ region }) => `arn:aws:ec2:${region}:${account}:instance/*`),
    Condition: {
      StringEquals: {
        [`ec2:ResourceTag/${tags.environment}`]: environment,
        [`ec2:ResourceTag/${tags.role}`]: role,
      },
      "ForAllValues:StringEquals": { "aws:TagKeys": [tags.release, tags.boot] },
    },
  };
}

/**
 * What SSM's agent does by itself, so that Run Command reaches the server: snapshots and drift ask through it. Amazon's
 * own policy for this, AmazonSSMManagedInstanceCore, would also let it read every parameter of the account.
 */
function obeySsm(): Statement {
  return {
    Sid: "ObeyRunCommand",
    Effect: "Allow",
    Action: [
      "ssm:UpdateInstanceInformation",
      "ssm:ListInstanceAssociations",
      "ssm:ListAssociations",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
    ],
    // These calls are about no resource of the account's.
    Resource: "*",
  };
}

/** RDS names its secrets itself and tags each with its instance or cluster, which is what a grant can rely on. */
function databasePasswords({ account, sites }: ServerIdentity): Statement[] {
  const kinds = [
    {
      sid: "ReadPasswordsOfOwnDatabases",
      of: "databases",
      arn: "db",
      tag: "aws:rds:primaryDBInstanceArn",
      secret: "db",
    },
    {
      sid: "ReadPasswordsOfOwnClusters",
      of: "clusters",
      arn: "cluster",
      tag: "aws:rds:primaryDBClusterArn",
      secret: "cluster",
    },
  ] as const;
  return kinds.flatMap(({ sid, of, arn, tag, secret }): Statement[] => {
    const mine = sites.flatMap(({ region, [of]: identifiers }) =>
      identifiers.map((identifier) => `arn:aws:rds:${region}:${account}:${arn}:${identifier}`),
    );
    if (mine.length === 0) return [];
    return [
      {
        Sid: sid,
        Effect: "Allow",
        Action: "secretsmanager:GetSecretValue",
        Resource: sites.map(
          ({ region }) => `arn:aws:secretsmanager:${region}:${account}:secret:rds!${secret}-*`,
        ),
        Condition: { StringEquals: { [`aws:ResourceTag/${tag}`]: mine } },
      },
    ];
  });
}
