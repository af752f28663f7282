/**
 * Starts a server of role `web` from a golden image that is there, in namespaces and through cloud-init as the engine
 * box does, and ends when it is healthy: without Rekindle's network, metadata, release and boot script. Arguments: the
 * image's folder, a folder of its own, and the tar of the role's configuration.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, readdir, realpath, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { run, succeeded } from "../../bootstrap/edges/process.ts";
import { bodyEnvironment } from "../../sandbox/bodies/addresses.ts";
import { makeEngineLayer } from "../../sandbox/bodies/box/engine-layer.ts";
import { program } from "../../sandbox/bodies/box/programs.ts";

const [image, folder, tar] = process.argv.slice(2) as [string, string, string];
await mkdir(join(folder, "lower"), { recursive: true });
for (const part of ["upper", "work", "root"]) await mkdir(join(folder, part));
const layers = (await readdir(join(image, "lower"))).sort();
for (const layer of layers)
  await symlink(await realpath(join(image, "lower", layer)), join(folder, "lower", layer));
await makeEngineLayer(join(folder, "engine"), await realpath(join(image, "lower", layers.at(-1)!)));

const put = async (path: string, content: string) => {
  await mkdir(dirname(join(folder, "upper", path)), { recursive: true });
  await writeFile(join(folder, "upper", path), content);
};
await put("etc/cloud/cloud.cfg.d/99-by-hand.cfg", "datasource_list: [NoCloud]\n");
await put("var/lib/cloud/seed/nocloud/meta-data", "instance-id: by-hand\n");
await put(
  "var/lib/cloud/seed/nocloud/user-data",
  `#cloud-config
hostname: web
manage_etc_hosts: localhost
runcmd:
  - [sh, -c, "echo 10.0.0.9 app >>/etc/hosts"]
  - [tar, -C, /, -xf, /opt/role.tar]
  - [systemctl, restart, nginx.service]
`,
);
await mkdir(join(folder, "upper/opt"), { recursive: true });
await cp(tar, join(folder, "upper/opt/role.tar"));

const child = spawn(
  "unshare",
  [
    ...["--net", "sh", "-ec"],
    'ip link add eth0 type veth peer name outside; ip link set outside up; exec "$@"',
    ...["sh", "unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL"],
    ...["--uts", "--ipc", "--cgroup", "sh", program("enter.sh"), folder, "10.0.0.2", "by-hand", ""],
    ...Object.entries(bodyEnvironment).map(([name, value]) => `${name}=${value}`),
  ],
  { stdio: ["pipe", "ignore", "inherit"] },
);
child.stdin.write("connected\n");
const isHealthy = async () =>
  succeeded(
    await run("nsenter", [
      `--net=/proc/${child.pid}/ns/net`,
      ...["curl", "--silent", "--fail", "--max-time", "1", "http://10.0.0.2/healthz"],
    ]),
  );
const giveUpAt = systemClock.monotonic() + 60_000;
while (!(await isHealthy())) {
  if (systemClock.monotonic() > giveUpAt)
    throw new Error("the server that was started by hand is not healthy");
  await systemClock.sleep(25);
}
child.kill("SIGKILL");
process.exit(0);
