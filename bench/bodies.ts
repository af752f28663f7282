import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describeEnding, run, succeeded } from "../bootstrap/edges/process.ts";
import type { RehearsalReport } from "../bootstrap/rehearsal/report.ts";
import { type Cost, measure, median } from "./measure.ts";
import type { Row } from "./table.ts";

/** How often each thing is measured: a machine of QEMU takes a minute where there is no KVM. */
const rounds = { box: 5, qemu: 1 } as const;

type Engine = keyof typeof rounds;

/**
 * A server of the example role `web`, from its launch to its health check's answer, and the whole of `rekindle rehearse`
 * after an edit: beside the same golden image started by hand, on the same kernel or machine and through the same
 * cloud-init, with the role's files and nothing else of Rekindle.
 */
export async function bodies(engine: Engine): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "rekindle-bench-bodies-"));
  try {
    const project = join(folder, "project");
    await must("git", "clone", "--quiet", ".", project);
    await mkdir(join(project, ".rekindle"));
    for (const kept of ["bases", "packages"]) {
      await mkdir(resolve(".rekindle", kept), { recursive: true });
      await must("ln", "-s", resolve(".rekindle", kept), join(project, ".rekindle", kept));
    }
    const tar = join(folder, "role.tar");
    const files = join(project, "configs/roles/web/files");
    await must("tar", "-C", files, "--owner=0", "--group=0", "-cf", tar, ".");
    return await onEngine(engine, folder, project, tar);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function onEngine(engine: Engine, folder: string, project: string, tar: string): Promise<Row[]> {
  const report = join(folder, "report.json");
  const program = resolve("bin/rekindle.js");
  const rehearse = () =>
    measure(
      [
        "sh",
        "-c",
        `exec "$@" >${report}`,
        "sh",
        process.execPath,
        program,
        "rehearse",
        "web",
        "--json",
      ].concat("--engine", engine),
      { cwd: project },
    );
  // Builds what is built once: the base image and the golden image.
  await rehearse();
  const image = await goldenImage(project, engine);
  let hands = 0;
  const byHand = await median(rounds[engine], () =>
    measure([
      process.execPath,
      join("dist", "bench", `${engine}-by-hand.js`),
      ...image,
      join(folder, `${engine}-${hands++}`),
      tar,
    ]),
  );
  const launches: number[] = [];
  const edited = await median(rounds[engine], async () => {
    await appendFile(join(project, "configs/roles/web/files/etc/nginx/nginx.conf"), "# edited\n");
    const cost = await rehearse();
    launches.push(await launchSeconds(report));
    return cost;
  });
  const launch: Cost = { ...edited, seconds: launches.sort((a, b) => a - b)[launches.length >> 1]! };
  return [
    { what: `web on ${engine}, launch to healthy`, costs: { rekindle: launch, "by hand": byHand } },
    { what: `rehearse web on ${engine} after an edit`, costs: { rekindle: edited, "by hand": byHand } },
  ];
}

/** Where the golden image is, as the program that starts it by hand takes it. */
async function goldenImage(project: string, engine: Engine): Promise<string[]> {
  const find = async (folder: string, prefix: string) => {
    const name = (await readdir(join(project, ".rekindle", folder))).find((one) => one.startsWith(prefix));
    if (name === undefined) throw new Error(`there is no ${prefix} in ${folder}`);
    return { name, path: join(project, ".rekindle", folder, name) };
  };
  const { name, path } = await find("images", `${engine}-`);
  if (engine === "box") return [path];
  return [join(path, "image"), (await find("bases", name.split("-")[1]!)).path];
}

/** From the machine's start to the end of its boot script, which ends with the health check. */
async function launchSeconds(file: string): Promise<number> {
  const { steps } = JSON.parse(await readFile(file, "utf8")) as RehearsalReport;
  const launch = steps.findIndex(({ name }) => name === "launch");
  return steps.slice(launch).reduce((sum, { seconds }) => sum + seconds, 0);
}

async function must(command: string, ...args: string[]): Promise<void> {
  const finished = await run(command, args);
  if (!succeeded(finished))
    throw new Error(`${command} ${describeEnding(finished.ending)}: ${finished.stderr}`);
}
