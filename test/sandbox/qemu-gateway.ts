import { openQemu } from "../../sandbox/bodies/qemu/engine.ts";
import { instanceId, toySurroundings } from "../contracts/toy-surroundings.ts";

/** A process with a machine that is in the middle of its boot, for a test to kill. */
const [folder, cache, consoleFile] = process.argv.slice(2) as [string, string, string];
const engine = await openQemu({ folder, cache });
const region = await engine.openRegion("eu-west-1", toySurroundings());
const disk = await region.blankVolume(1);
await region.boot({
  id: instanceId("10.0.1.10"),
  address: "10.0.1.10",
  root: await region.rootFrom(await engine.base("eu-west-1")),
  volumes: [{ device: "/dev/sdf", disk }],
  consoleFile,
});
process.stdout.write("ready\n");
setInterval(() => undefined, 60_000);
