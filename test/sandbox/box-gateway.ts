import { openBox } from "../../sandbox/bodies/box/engine.ts";
import { instanceId, toySurroundings } from "../contracts/toy-surroundings.ts";

/** A process with a machine that is in the middle of things, for a test to kill: as unkind as one can be. */
const [folder, cache, relayScript, consoleFile] = process.argv.slice(2) as [string, string, string, string];
const engine = await openBox({ folder, cache, relayScript });
const region = await engine.openRegion("eu-west-1", toySurroundings());
const disk = await region.blankVolume(1);
const body = await region.boot({
  id: instanceId("10.0.1.10"),
  address: "10.0.1.10",
  root: await region.rootFrom(await engine.base("eu-west-1")),
  volumes: [{ device: "/dev/sdf", disk }],
  consoleFile,
});
const { stderr } = await body.exec(
  "mkfs.ext4 -q /dev/sdf && mount /dev/sdf /srv && fsfreeze -f /srv && { setsid touch /srv/blocked & } >/dev/null 2>&1",
);
process.stdout.write(`ready ${stderr}\n`);
setInterval(() => undefined, 60_000);
