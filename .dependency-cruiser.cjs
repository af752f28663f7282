// The import directions of docs/design.md, checked.
const core =
  "^bootstrap/(config|release|image|recovery|gameday|history|collect|secrets|drift|rehearsal|dump|restore|status)/";

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "the-core-is-pure",
      comment: "core folders do no I/O: no edges, no commands, no AWS, no Node modules but path and crypto",
      severity: "error",
      from: { path: core },
      to: {
        path: [
          "^bootstrap/(edges|commands|main)",
          "^(stacks|sandbox)/",
          "^(fs|child_process|net|http|https|os|timers|process)(/|$)",
          "node_modules/(@aws-sdk|simple-git|cdktf|constructs|@cdktf|commander)/",
        ],
      },
    },
    {
      name: "edges-know-no-command",
      severity: "error",
      from: { path: "^bootstrap/edges/" },
      to: { path: "^bootstrap/(commands|main)" },
    },
    {
      name: "cdktf-only-in-stacks",
      severity: "error",
      from: { pathNot: "^(stacks|test)/" },
      to: { path: "node_modules/(cdktf|constructs|@cdktf)/" },
    },
    {
      name: "stacks-never-call-aws",
      severity: "error",
      from: { path: "^stacks/" },
      to: { path: ["node_modules/@aws-sdk/", "^bootstrap/(edges|commands|main|release|image|gameday)"] },
    },
    {
      name: "the-sandbox-knows-only-the-process-runner-and-the-clock",
      severity: "error",
      from: { path: "^sandbox/" },
      to: { path: "^(bootstrap|stacks|cloud-init)/", pathNot: "^bootstrap/edges/(process|clock)\\.ts$" },
    },
    {
      name: "the-renderer-imports-nothing-of-ours",
      severity: "error",
      from: { path: "^cloud-init/" },
      to: { path: "^(bootstrap|stacks|sandbox)/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
  },
};
