import type { Instance } from "@aws-sdk/client-ec2";
import type { Clock } from "../../bootstrap/edges/clock.ts";
import { hardwareAddress } from "../bodies/addresses.ts";
import { MetadataService } from "../bodies/metadata.ts";

/** What instance metadata says of one machine. */
export interface Described {
  id: string;
  address: string;
  region: string;
  account: string;
  instanceType: string;
  /** The instance profile, and its role, by name. */
  profile: string;
  userData: Uint8Array;
}

const goodForMs = 3_600_000;

/** The metadata service of a stage, where `current` is the machine that has an address. */
export function metadataOfOneServer(current: () => Described | undefined, clock: Clock): MetadataService {
  const instance = (): Instance | undefined => {
    const one = current();
    return one && instanceOf(one);
  };
  const source = {
    get region() {
      return current()?.region ?? "";
    },
    userData: async () => Buffer.from(current()!.userData),
    profileOf: async () => current()!.profile,
    roleOf: async (profile: string) => {
      const arn = (kind: string) => `arn:aws:iam::${current()!.account}:${kind}/${profile}`;
      return {
        name: profile,
        arn: arn("role"),
        profileArn: arn("instance-profile"),
        profileId: "AIPAREHEARSAL",
      };
    },
    assume: async () => ({
      AccessKeyId: "REHEARSAL",
      SecretAccessKey: "rehearsal",
      SessionToken: "rehearsal",
      Expiration: new Date(clock.now().getTime() + goodForMs),
    }),
    publicKey: async () => undefined,
  };
  const machines = {
    byAddress: (address: string) => {
      const found = instance();
      return found?.PrivateIpAddress === address ? { instance: found } : undefined;
    },
  };
  return new MetadataService(source, machines, clock);
}

function instanceOf({ id, address, region, account, instanceType }: Described): Instance {
  const hostname = `ip-${address.replaceAll(".", "-")}.${region}.compute.internal`;
  return {
    InstanceId: id,
    ImageId: "ami-rehearsal",
    InstanceType: instanceType as never,
    PrivateIpAddress: address,
    PrivateDnsName: hostname,
    Placement: { AvailabilityZone: `${region}a` },
    RootDeviceName: "/dev/xvda",
    NetworkInterfaces: [
      {
        OwnerId: account,
        MacAddress: hardwareAddress(address),
        PrivateIpAddress: address,
        PrivateDnsName: hostname,
      },
    ],
  };
}
