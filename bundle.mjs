// Bundles the program, the gateway and the stacks into dist/, so that `rekindle --help` loads one small file.
import { build } from "esbuild";

const packagesOfStacks = ["cdktf", "constructs", "@cdktf/provider-aws"];

await build({
  entryPoints: {
    rekindle: "bootstrap/main.ts",
    gateway: "sandbox/main.ts",
    stacks: "stacks/main.ts",
    relay: "sandbox/bodies/relay/main.ts",
  },
  outdir: "dist",
  bundle: true,
  splitting: true,
  sourcemap: "linked",
  format: "esm",
  platform: "node",
  target: "node20",
  // Half the text loads in less time; names stay, for whoever reads a stack trace.
  minifyWhitespace: true,
  minifySyntax: true,
  // cdktf resolves its own files at run time, so it stays outside the bundle.
  external: packagesOfStacks.flatMap((name) => [name, `${name}/*`]),
  chunkNames: "chunks/[name]-[hash]",
  // Bundled CommonJS packages still call require for Node's own modules.
  banner: {
    js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
  },
  logLevel: "warning",
});
