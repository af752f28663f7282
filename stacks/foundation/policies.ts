/**
 * IAM documents as plain values: who may do what. Each grants the least that its owner needs,
 * and names no resource by a lookup.
 */
export interface PolicyDocument {
  Version: "2012-10-17";
  Statement: Statement[];
}

export interface Statement {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal?: "*" | Record<string, string>;
  Action: string | string[];
  Resource?: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

/** One service may take the role (EC2 hands it to a server), and nobody else may. */
export function assumedBy(service: `${"backup" | "ec2" | "s3"}.amazonaws.com`): PolicyDocument {
  return document([
    { Sid: "Service", Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" },
  ]);
}

/** A service may take the role, and only when it works for this account. */
export function assumedFor(
  service: `${"codebuild" | "dlm" | "scheduler" | "ssm"}.amazonaws.com`,
  account: string,
): PolicyDocument {
  return document([
    {
      Sid: "Service",
      Effect: "Allow",
      Principal: { Service: service },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "aws:SourceAccount": account } },
    },
  ]);
}

/** S3 may read what begins with the prefixes in each bucket, and write copies of it to the others. */
export function replicationAccess(
  places: readonly { bucket: string; region: string; keyArn: string }[],
  prefixes: readonly string[],
): PolicyDocument {
  const objects = places.flatMap(({ bucket }) =>
    prefixes.map((prefix) => `arn:aws:s3:::${bucket}/${prefix}*`),
  );
  return document([
    {
      Sid: "ReadConfiguration",
      Effect: "Allow",
      Action: ["s3:GetReplicationConfiguration", "s3:ListBucket"],
      Resource: places.map(({ bucket }) => `arn:aws:s3:::${bucket}`),
    },
    {
      Sid: "CopyObjects",
      Effect: "Allow",
      Action: [
        "s3:GetObjectVersionForReplication",
        "s3:GetObjectVersionAcl",
        "s3:GetObjectVersionTagging",
        "s3:GetObjectRetention",
        "s3:GetObjectLegalHold",
        "s3:ReplicateObject",
        "s3:ReplicateTags",
      ],
      Resource: objects,
    },
    {
      Sid: "DecryptAndEncryptThroughS3",
      Effect: "Allow",
      Action: ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
      Resource: places.map(({ keyArn }) => keyArn),
      Condition: {
        StringEquals: { "kms:ViaService": places.map(({ region }) => `s3.${region}.amazonaws.com`) },
      },
    },
  ]);
}

/**
 * The account's own policies decide about the key. Auto Scaling's service-linked role has none that the account
 * could edit, so the key names it; by condition, because a principal that does not exist yet is refused. A vault's
 * account may read what the key has encrypted, for whoever copies a snapshot decrypts it first.
 */
export function keyPolicy(account: string, vault?: string): PolicyDocument {
  const autoScaling = `arn:aws:iam::${account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`;
  const isAutoScaling = { ArnEquals: { "aws:PrincipalArn": autoScaling } };
  return document([
    accountDecides(account),
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
    ...(vault === undefined ? [] : vaultCopies(vault)),
  ]);
}

function vaultCopies(vault: string): Statement[] {
  const Principal = { AWS: `arn:aws:iam::${vault}:root` };
  return [
    {
      Sid: "VaultReads",
      Effect: "Allow",
      Principal,
      Action: ["kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"],
      Resource: "*",
    },
    {
      Sid: "VaultGrantsToCopies",
      Effect: "Allow",
      Principal,
      Action: "kms:CreateGrant",
      Resource: "*",
      Condition: { Bool: { "kms:GrantIsForAWSResource": "true" } },
    },
  ];
}

/** The account's own policies say who may sign; no service needs to. */
export function signingKeyPolicy(account: string): PolicyDocument {
  return document([accountDecides(account)]);
}

function accountDecides(account: string): Statement {
  return {
    Sid: "AccountDecides",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: "kms:*",
    Resource: "*",
  };
}

/** Refuses whatever does not come over TLS. A vault's account may read dumps, which S3 copies into its own bucket. */
export function siteBucketAccess(bucket: string, vault: string | undefined): PolicyDocument {
  const dumps: Statement = {
    Sid: "VaultReadsDumps",
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${vault}:root` },
    Action: ["s3:GetObject", "s3:GetObjectVersion"],
    Resource: `arn:aws:s3:::${bucket}/dumps/*`,
  };
  return document([refusePlainHttp(bucket), ...(vault === undefined ? [] : [dumps])]);
}

/** S3 may write the access log of that one bucket; nothing comes without TLS. */
export function logDelivery(log: string, of: { account: string; bucket: string }): PolicyDocument {
  return document([
    refusePlainHttp(log),
    {
      Sid: "AccessLog",
      Effect: "Allow",
      Principal: { Service: "logging.s3.amazonaws.com" },
      Action: "s3:PutObject",
      Resource: `arn:aws:s3:::${log}/*`,
      Condition: {
        ArnLike: { "aws:SourceArn": `arn:aws:s3:::${of.bucket}` },
        StringEquals: { "aws:SourceAccount": of.account },
      },
    },
  ]);
}

function refusePlainHttp(bucket: string): Statement {
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:*",
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}

export function document(statements: Statement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}
