import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// `.ci/run` reads the unit and end-to-end tests' report for its last line, and keeps the others' beside it.
const outputFile = process.env.REKINDLE_TEST_REPORT ?? ".rekindle/test-report.json";
const ciReport = ["json", { outputFile }] as const;

/** The game day takes longest and mostly waits for Terraform: it starts first, and the rest runs beside it. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes("/test/e2e/");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** One for each core, and two for those that wait: the game day for Terraform, others for programs that they start. */
const maxWorkers = availableParallelism() + 2;

const withTerraform = [
  "test/e2e/cdktf.test.ts",
  "test/e2e/recorded.test.ts",
  "test/stacks/foundation-apply.test.ts",
  "test/stacks/terraform.test.ts",
];

const onServers = [
  "test/cloud-init/boot-install.test.ts",
  "test/cloud-init/boot-trust.test.ts",
  "test/commands/collect-ssh.test.ts",
];

const withBodies = [
  "test/sandbox/box.test.ts",
  "test/sandbox/box-services.test.ts",
  "test/e2e/bodies.test.ts",
  "test/e2e/databases.test.ts",
  "test/e2e/failing-days.test.ts",
  "test/e2e/rehearse.test.ts",
  "test/e2e/rehearse-from.test.ts",
];

const withMachines = ["test/sandbox/qemu.test.ts"];

export default defineConfig({
  test: {
    globals: true,
    globalSetup: ["test/global-setup.ts"],
    setupFiles: ["test/setup.ts"],
    sequence: { sequencer: LongestFirst },
    reporters: process.env.CI ? ["default", [...ciReport]] : ["default"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [
            ...onServers,
            ...withBodies,
            ...withMachines,
            ...withTerraform,
            "test/data/**",
            "test/e2e/**",
            "test/**/*-killed.test.ts",
          ],
          maxWorkers,
          // Most of the time of most files is loading the SDK and the rest of what they test: once a worker is enough.
          isolate: false,
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
          exclude: ["test/e2e/debian.test.ts", ...withBodies, ...withMachines, ...withTerraform],
          testTimeout: 600_000,
          hookTimeout: 120_000,
          maxWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // One boot after the other, and a real sshd, for minutes: CI runs it after the rest, `npm test` does not.
          name: "servers",
          include: onServers,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // Kills at every step, one after the other, for minutes: CI runs it after the rest, `npm test` does not.
          name: "killed",
          include: ["test/**/*-killed.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          // Takes root and a Debian mirror: CI runs it after the rest, `npm test` does not.
          name: "debian",
          include: ["test/e2e/debian.test.ts"],
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          // Takes root, and a Debian mirror the first time: CI runs it after the rest, `npm test` does not.
          name: "bodies",
          include: withBodies,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          // Real databases and file systems under load, for minutes: CI runs it after the rest, `npm test` does not.
          name: "data",
          include: ["test/data/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 7 },
        },
      },
      {
        extends: true,
        test: {
          // Whole machines, which take minutes each without KVM: `npm run test:machines`. CI does not run it.
          name: "machines",
          include: withMachines,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 6 },
        },
      },
      {
        extends: true,
        test: {
          // Minutes of Terraform and plain `cdktf deploy`: CI runs it after the rest, `npm test` does not.
          name: "cdktf",
          include: withTerraform,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
