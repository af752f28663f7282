import type { Needs } from "./needs.ts";
import { failed, judged, type Looked, passed, type StatusCheck } from "./outcome.ts";

/** One of AWS's quotas, by the code that Service Quotas knows it by. */
export interface Quota {
  service: "ec2" | "vpc";
  code: string;
  name: string;
}

/** What a quota allows and how much of it others use. */
export interface QuotaUse {
  limit: number;
  used: number;
}

export const networksQuota: Quota = { service: "vpc", code: "L-F678F1CE", name: "VPCs" };
export const addressesQuota: Quota = { service: "ec2", code: "L-0263D0A3", name: "Elastic IP addresses" };

/** Quotas of running servers count vCPUs, by what an instance type's name begins with. */
const standard = { code: "L-1216C47A", name: "vCPUs of standard instances" };
const special: Readonly<Record<string, { code: string; name: string }>> = {
  dl: { code: "L-6E869C2A", name: "vCPUs of DL instances" },
  f: { code: "L-74FC7D96", name: "vCPUs of F instances" },
  g: { code: "L-DB2E81BA", name: "vCPUs of G and VT instances" },
  gr: { code: "L-DB2E81BA", name: "vCPUs of G and VT instances" },
  hpc: { code: "L-F7808C92", name: "vCPUs of HPC instances" },
  inf: { code: "L-1945791B", name: "vCPUs of Inf instances" },
  p: { code: "L-417A185B", name: "vCPUs of P instances" },
  trn: { code: "L-2C3B7624", name: "vCPUs of Trn instances" },
  u: { code: "L-43DA4232", name: "vCPUs of high memory instances" },
  vt: { code: "L-DB2E81BA", name: "vCPUs of G and VT instances" },
  x: { code: "L-7295265B", name: "vCPUs of X instances" },
};

export function quotaOf(instanceType: string): Quota {
  const [family = ""] = /^[a-z]+/.exec(instanceType) ?? [];
  return { service: "ec2", ...(special[family] ?? standard) };
}

/** The quotas of vCPUs that a rebuild touches, with how many it takes of each; `vcpus` is by instance type. */
export function vcpuNeeds(
  { servers }: Needs,
  vcpus: ReadonlyMap<string, number>,
): { quota: Quota; needed: number }[] {
  const needs = new Map<string, { quota: Quota; needed: number }>();
  for (const [instanceType, count] of Object.entries(servers)) {
    const quota = quotaOf(instanceType);
    const needed = (needs.get(quota.code)?.needed ?? 0) + count * (vcpus.get(instanceType) ?? 0);
    needs.set(quota.code, { quota, needed });
  }
  return [...needs.values()];
}

export function quotaCheck(quota: Quota, needed: number, looked: Looked<QuotaUse>): StatusCheck {
  const name = `quota of ${quota.name}`;
  return judged(name, looked, ({ limit, used }) => {
    const found = `${needed} needed, ${used} of ${limit} in use`;
    return used + needed <= limit
      ? passed(name, found)
      : failed(name, found, `ask for more: quota ${quota.code} of ${quota.service} in Service Quotas`);
  });
}
