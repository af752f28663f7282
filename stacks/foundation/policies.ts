/**
 * IAM documents as plain values: who may do what. Each grants the least that its owner needs,
 * and names no resource by a lookup.
 */
export interface PolicyDocument {
  Version: "2012-10-17";
  Statement: Statement[];
}

interface Statement {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | Record<string, string>;
  Action: string | string[];
  Resource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** What a server of one role may read: its own bundles, manifests, its parameters and its databases' secrets. */
export function serverAccess(server: {
  environment: string;
  account: string;
  role: string;
  sites: readonly { region: string; bucket: string; keyArn: string; databases: readonly string[] }[];
}): PolicyDocument {
  const { environment, account, role, sites } = server;
  const parameters = (region: string, path: string): string =>
    `arn:aws:ssm:${region}:${account}:parameter/rekindle/${environment}/${path}`;
  return document([
    {
      Sid: "ReadOwnBundlesAndManifests",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource: sites.flatMap(({ bucket }) => [
        `arn:aws:s3:::${bucket}/bundles/${role}/*`,
        `arn:aws:s3:::${bucket}/releases/*`,
      ]),
    },
    {
      Sid: "DecryptThroughS3AndParameterStore",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: sites.map(({ keyArn }) => keyArn),
      Condition: {
        StringEquals: {
          "kms:ViaService": sites.flatMap(({ region }) => [
            `s3.${region}.amazonaws.com`,
            `ssm.${region}.amazonaws.com`,
          ]),
        },
      },
    },
    {
      Sid: "ReadOwnParameters",
      Effect: "Allow",
      Action: ["ssm:GetParameter", "ssm:GetParameters"],
      Resource: sites.flatMap(({ region }) => [
        parameters(region, "*/databases/*"),
        parameters(region, `${role}/*`),
      ]),
    },
    ...databaseSecrets(account, sites),
  ]);
}

/** RDS names its secrets itself and tags each with its instance, which is what a grant can rely on. */
function databaseSecrets(
  account: string,
  sites: readonly { region: string; databases: readonly string[] }[],
): Statement[] {
  const instances = sites.flatMap(({ region, databases }) =>
    databases.map((identifier) => `arn:aws:rds:${region}:${account}:db:${identifier}`),
  );
  if (instances.length === 0) return [];
  return [
    {
      Sid: "ReadPasswordsOfOwnDatabases",
      Effect: "Allow",
      Action: "secretsmanager:GetSecretValue",
      Resource: sites.map(({ region }) => `arn:aws:secretsmanager:${region}:${account}:secret:rds!db-*`),
      Condition: { StringEquals: { "aws:ResourceTag/aws:rds:primaryDBInstanceArn": instances } },
    },
  ];
}

/** EC2 may hand the role to a server, and nobody else may take it. */
export function assumedByServers(): PolicyDocument {
  return document([
    {
      Sid: "Servers",
      Effect: "Allow",
      Principal: { Service: "ec2.amazonaws.com" },
      Action: "sts:AssumeRole",
    },
  ]);
}

/**
 * The account's own policies decide about the key. Auto Scaling's service-linked role has none that the account
 * could edit, so the key names it; by condition, because a principal that does not exist yet is refused.
 */
export function keyPolicy(account: string): PolicyDocument {
  const autoScaling = `arn:aws:iam::${account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
  const isAutoScaling = { ArnEquals: { "aws:PrincipalArn": autoScaling } };
  return document([
    {
      Sid: "AccountDecides",
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${account}:root` },
      Action: "kms:*",
      Resource: "*",
    },
    {
      Sid: "AutoScalingLaunchesEncryptedServers",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
      Resource: "*",
      Condition: isAutoScaling,
    },
    {
      Sid: "AutoScalingGrantsToServers",
      Effect: "Allow",
      Principal: { AWS: "*" },
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { ...isAutoScaling, Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ]);
}

/** Refuses whatever does not come over TLS. */
export function tlsOnly(bucket: string): PolicyDocument {
  return document([
    {
      Sid: "TlsOnly",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ]);
}

function document(statements: Statement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}
