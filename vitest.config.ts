import { defineConfig } from "vitest/config";

// `.ci/run` reads this report for its last line.
const ciReport = ["json", { outputFile: ".rekindle/test-report.json" }] as const;

export default defineConfig({
  test: {
    globals: true,
    setupFiles: ["test/setup.ts"],
    reporters: process.env.CI ? ["default", [...ciReport]] : ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          // Some of them run git, Terraform or the emulator, two at a time.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "end-to-end",
          include: ["test/e2e/**/*.test.ts"],
          exclude: ["test/e2e/cdktf.test.ts", "test/e2e/debian.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 120_000,
          // One after the other, and after the rest: each starts Terraform and an emulator, and measures time.
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // Takes root and a Debian mirror: CI runs it after the rest, `npm test` does not.
          name: "debian",
          include: ["test/e2e/debian.test.ts"],
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          // Minutes of plain `cdktf deploy`: CI runs it after the rest, `npm test` does not.
          name: "cdktf",
          include: ["test/e2e/cdktf.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
