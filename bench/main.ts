import { readFile, writeFile } from "node:fs/promises";
import { bodies } from "./bodies.ts";
import { catalogs } from "./catalog.ts";
import { collecting } from "./collect.ts";
import { dumping } from "./dump.ts";
import { nightly } from "./nightly.ts";
import { publishing } from "./publish.ts";
import { quiescing } from "./quiesce.ts";
import { serverSide } from "./server.ts";
import { type Row, table } from "./table.ts";

/** Runs the benchmarks that are named, or all, and writes each one's table into its place in the README. */
const benchmarks: Record<string, { title: string; measure: () => Promise<Row[]> }> = {
  publish: { title: "Publishing to one region", measure: () => publishing(2_000) },
  "publish-many": { title: "Publishing many files to one region", measure: () => publishing(20_000) },
  server: { title: "Fetch, verify and unpack on the server", measure: () => serverSide(200) },
  collect: { title: "Collecting over ssh", measure: () => collecting(50) },
  catalog: {
    title: "Planning and pruning over a million snapshots, beside listing the same",
    measure: async () => [...(await catalogs(10_000)), ...(await catalogs(100_000))],
  },
  nightly: {
    title: "A nightly backup of a Debian server with nginx and PostgreSQL: its configuration, or all of it",
    measure: nightly,
  },
  bodies: { title: "A server in namespaces (engine box), and its rehearsal", measure: () => bodies("box") },
  machines: { title: "The same on a whole machine (engine qemu)", measure: () => bodies("qemu") },
  quiesce: { title: "How long writes wait for a snapshot", measure: () => quiescing(8) },
  dump: { title: "Streaming a PostgreSQL into a bucket and back", measure: () => dumping(2_000_000) },
};

const named = process.argv.slice(2);
for (const [name, { title, measure }] of Object.entries(benchmarks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const section = `**${title}**\n\n${table(await measure())}`;
  console.log(`${section}\n`);
  const readme = await readFile("README.md", "utf8");
  const marked = new RegExp(`(<!-- bench ${name} -->\n)[\\s\\S]*?(<!-- /bench -->)`);
  await writeFile(
    "README.md",
    readme.replace(marked, (_all, open, close) => `${open}\n${section}\n\n${close}`),
  );
}
