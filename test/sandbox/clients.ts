import { EC2Client } from "@aws-sdk/client-ec2";
import { ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { IAMClient } from "@aws-sdk/client-iam";
import { RDSClient } from "@aws-sdk/client-rds";
import { S3Client } from "@aws-sdk/client-s3";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { Credentials } from "../../bootstrap/edges/aws/access.ts";

/** Clients of one region that try once, so that a test sees the first answer. */
export function clients(
  endpoint: string,
  region: string,
  patienceMs = 30_000,
  credentials: Credentials = { accessKeyId: "test", secretAccessKey: "test" },
) {
  const config = {
    endpoint,
    region,
    maxAttempts: 1,
    credentials,
    requestHandler: { requestTimeout: patienceMs, throwOnRequestTimeout: true },
  };
  return {
    ec2: new EC2Client(config),
    elb: new ElasticLoadBalancingV2Client(config),
    iam: new IAMClient(config),
    rds: new RDSClient(config),
    s3: new S3Client(config),
    ssm: new SSMClient(config),
  };
}
