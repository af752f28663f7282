import type { ConfigFiles } from "../../bootstrap/config/files.ts";
import { loadTopology } from "../../bootstrap/config/load.ts";
import { formatFault } from "../../bootstrap/errors.ts";

/** A whole valid project in few lines, of which tests vary one text. */
const shop = {
  "configs/environments/shop.yaml": `version: 1
name: shop
account: "123456789012"
regions: { primary: eu-west-1, recovery: eu-central-1 }
network:
  primary:
    cidr: 10.10.0.0/16
    zones:
      a: { public: 10.10.0.0/24, private: 10.10.10.0/24 }
      b: { public: 10.10.1.0/24, private: 10.10.11.0/24 }
  recovery:
    cidr: 10.20.0.0/16
    zones:
      a: { public: 10.20.0.0/24, private: 10.20.10.0/24 }
      b: { public: 10.20.1.0/24, private: 10.20.11.0/24 }
roles:
  web:
    count: 2
    instanceType: t3.small
    dependsOn: [db]
  db:
    count: 1
    instanceType: t3.medium
databases:
  ledger:
    engine: postgres
    engineVersion: "15.8"
    instanceClass: db.t3.medium
    storageGiB: 20
    port: 5432
    databaseName: ledger
    username: ledger
    clients: [web]
objectives: { rpo: 1h, rto: 15m }
`,
  "configs/roles/web/role.yaml": `version: 1
image:
  base: { ssmParameter: /base/image }
  packages: [nginx]
  files:
    - { source: image/run.sh, path: /opt/run.sh, mode: "0755" }
loadBalancer: { listenPort: 80, targetPort: 80 }
services: [nginx.service]
health: { kind: http, port: 80, path: /healthz }
`,
  "configs/roles/web/image/run.sh": "#!/bin/sh\n",
  "configs/roles/db/role.yaml": `version: 1
image:
  base: { owner: amazon, name: "image-*" }
listens:
  - { port: 5432, from: [web] }
volumes:
  - { name: data-0, device: /dev/sdf, sizeGiB: 10 }
  - { name: data-1, device: /dev/sdg, sizeGiB: 10 }
storage: { layout: striped, filesystem: xfs, mount: /var/lib/data }
health: { kind: tcp, port: 5432 }
`,
  "cloud-init/templates/web.yaml": "#cloud-config\nhostname: {{server}}\n",
  "cloud-init/templates/db.yaml": "#cloud-config\nhostname: {{server}}\n",
  "cloud-init/boot": "#!/bin/sh\n",
};

export const places = {
  environment: "configs/environments/shop.yaml",
  web: "configs/roles/web/role.yaml",
  db: "configs/roles/db/role.yaml",
  template: "cloud-init/templates/web.yaml",
} as const;

export type Change =
  | { kind: "replace"; file: keyof typeof places; text: string; by: string }
  | { kind: "remove"; path: keyof typeof shop };

export function replace(file: keyof typeof places, text: string, by: string): Change {
  return { kind: "replace", file, text, by };
}

export function remove(path: keyof typeof shop): Change {
  return { kind: "remove", path };
}

export function shopFiles(...changes: Change[]): ConfigFiles {
  const texts = new Map<string, string>(Object.entries(shop));
  for (const change of changes) {
    if (change.kind === "remove") {
      texts.delete(change.path);
      continue;
    }
    const path = places[change.file];
    const before = texts.get(path)!;
    if (!before.includes(change.text)) throw new Error(`${path} has no ${JSON.stringify(change.text)}`);
    texts.set(
      path,
      before.replace(change.text, () => change.by),
    );
  }
  return new Map([...texts].map(([path, text]) => [path, { content: Buffer.from(text), mode: "0644" }]));
}

/** What is wrong with the shop after some changes, as users read it. */
export function faultsAfter(...changes: Change[]): string[] {
  const loaded = loadTopology(shopFiles(...changes), "shop");
  return loaded.kind === "valid" ? [] : loaded.faults.map(formatFault);
}
