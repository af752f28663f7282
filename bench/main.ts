import { readFile, writeFile } from "node:fs/promises";
import { collecting } from "./collect.ts";
import { nightly } from "./nightly.ts";
import { publishing } from "./publish.ts";
import { serverSide } from "./server.ts";
import { type Row, table } from "./table.ts";

/** Runs the benchmarks that are named, or all; prints each as a table, and writes all of them into the README. */
const benchmarks: Record<string, { title: string; measure: () => Promise<Row[]> }> = {
  publish: {
    title: "Publishing to one region of the sandbox's S3",
    measure: async () => [...(await publishing(2_000)), ...(await publishing(20_000))],
  },
  server: {
    title: "Fetch, verify and unpack on the server",
    measure: () => serverSide(200),
  },
  collect: {
    title: "Collecting over ssh",
    measure: () => collecting(50),
  },
  nightly: {
    title: "A nightly backup of a Debian server with nginx and PostgreSQL: its configuration, or all of it",
    measure: nightly,
  },
};

const named = process.argv.slice(2);
const sections: string[] = [];
for (const [name, { title, measure }] of Object.entries(benchmarks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const section = `**${title}**\n\n${table(await measure())}`;
  console.log(`${section}\n`);
  sections.push(section);
}
if (named.length === 0) {
  const readme = await readFile("README.md", "utf8");
  const marked = /(<!-- bench -->\n)[\s\S]*(<!-- \/bench -->)/;
  await writeFile(
    "README.md",
    readme.replace(marked, (_all, open, close) => `${open}\n${sections.join("\n\n")}\n\n${close}`),
  );
}
