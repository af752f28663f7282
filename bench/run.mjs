// Bundles the benchmarks, as the program itself is bundled, and runs them: `npm run bench [name...]`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { build } from "esbuild";

const programs = readdirSync("bench/programs").map((file) => file.replace(/\.ts$/, ""));
await build({
  entryPoints: {
    main: "bench/main.ts",
    gateway: "sandbox/main.ts",
    ...Object.fromEntries(programs.map((name) => [name, `bench/programs/${name}.ts`])),
  },
  outdir: "dist/bench",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Half the text loads in less time; names stay, for whoever reads a stack trace.
  minifyWhitespace: true,
  minifySyntax: true,
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
  logLevel: "warning",
});
const { status } = spawnSync(process.execPath, ["dist/bench/main.js", ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;
