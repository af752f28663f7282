import { tags } from "../config/names.ts";

/** A server that runs, as its instance's tags and its zone say what it is. */
export interface RunningServer {
  instance: string;
  server: string;
  role: string;
  zone: string;
}

/** What a volume is made like. */
export interface VolumeShape {
  zone: string;
  sizeGiB: number;
  type: string;
  iops?: number;
  throughputMiBps?: number;
  /** ARN of its key; nothing for a volume that is not encrypted. */
  keyArn?: string;
}

/** An EBS volume as EC2 tells it. */
export interface LiveVolume extends VolumeShape {
  id: string;
  /** In EC2's words: `creating`, `available`, `in-use`, … */
  state: string;
  tags: Readonly<Record<string, string>>;
  attachment?: { instance: string; device: string; state: "attached" | "changing" };
}

/** The kernel calls /dev/sdf /dev/xvdf: they are one device by two names. */
export function isDevice(volume: LiveVolume, device: string): boolean {
  return volume.attachment?.device.at(-1) === device.at(-1);
}

/** By which a server's volumes are found, attached or not. */
export function whose(environment: string, { server, role }: RunningServer): Record<string, string> {
  return { [tags.environment]: environment, [tags.server]: server, [tags.role]: role };
}

/** A volume's tags for another one of its kind; AWS keeps its own prefix to itself. */
export function ownTags(volume: LiveVolume): Record<string, string> {
  const passing: string[] = [tags.replaces, tags.replaced, tags.beside, tags.point];
  const kept = Object.entries(volume.tags).filter(
    ([key]) => !key.startsWith("aws:") && !passing.includes(key),
  );
  return Object.fromEntries(kept);
}
