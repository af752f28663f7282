/** What one site of an environment really consists of, as its region's own APIs tell it. */
export interface Observed {
  servers: ObservedServer[];
  databases: ObservedDatabase[];
  targetGroups: ObservedTargetGroup[];
  securityGroups: ObservedSecurityGroup[];
}

export interface ObservedServer {
  instanceId: string;
  role: string;
  server: string;
  imageId: string;
  instanceType: string;
  instanceProfile: string;
  privateAddress: string;
  /** Names, sorted. */
  securityGroups: string[];
  rootDevice: string;
  /** Decoded. */
  userData: string;
  volumes: ObservedVolume[];
}

export interface ObservedVolume {
  device: string;
  /** Empty for a volume that came from no snapshot. */
  snapshotId: string;
  sizeGiB: number;
  type: string;
  encrypted: boolean;
  keyArn: string;
}

export interface ObservedDatabase {
  identifier: string;
  status: string;
  engine: string;
  /** Of a cluster, its instances' classes. */
  instanceClass: string;
  /** How many instances a cluster has; absent for an instance. */
  members?: number;
  storageGiB: number;
  port: number;
  encrypted: boolean;
  keyArn: string;
  /** ISO 8601, UTC. */
  createdAt: string;
}

export interface ObservedTargetGroup {
  name: string;
  port: number;
  healthPort: string;
  healthPath: string;
  /** Instance id → `healthy`, `initial`, … */
  targets: Record<string, string>;
}

export interface ObservedSecurityGroup {
  name: string;
  /** `ports` is protocol and ports, such as `tcp 443`, `udp 0-65535` or `all`; `from` names groups or address blocks. */
  ingress: { ports: string; from: string[] }[];
}
