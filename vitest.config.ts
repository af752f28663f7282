import { defineConfig } from "vitest/config";

// `.ci/run` reads the unit and end-to-end tests' report for its last line, and keeps the others' beside it.
const outputFile = process.env.REKINDLE_TEST_REPORT ?? ".rekindle/test-report.json";
const ciReport = ["json", { outputFile }] as const;

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
          exclude: ["test/e2e/**", "test/sandbox/box.test.ts", "test/sandbox/box-services.test.ts"],
          // Some of them run git, Terraform or the emulator, and wait for them: as many at a time as there are cores.
          maxWorkers: "100%",
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
          // Takes root, and a Debian mirror the first time: `npm run test:bodies`, and not `npm test`.
          name: "bodies",
          include: ["test/sandbox/box.test.ts", "test/sandbox/box-services.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
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
