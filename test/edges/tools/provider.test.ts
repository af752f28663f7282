import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureTerraform } from "../../../bootstrap/edges/tools/ensure-terraform.ts";
import { findProvider } from "../../../bootstrap/edges/tools/provider.ts";
import { findTerraform } from "../../../bootstrap/edges/tools/terraform.ts";
import { bareMachine, type Machine, terraformScript, unpackedProvider } from "./machine.ts";

let machine: Machine;

beforeEach(async () => {
  machine = await bareMachine();
  await mkdir(machine.context.root, { recursive: true });
  await machine.program("terraform", terraformScript());
});

afterEach(() => machine.remove());

async function find() {
  return findProvider(machine.context, await findTerraform(machine.context));
}

describe("the AWS provider", () => {
  it.each([
    "home/.terraform.d/plugins",
    "home/.local/share/terraform/plugins",
    "share/terraform/plugins",
    "project/terraform.d/plugins",
    "opt/tf-plugins",
    "srv/a/b/mirror",
  ])("is found in a mirror at %s", async (folder) => {
    await machine.file(unpackedProvider(folder), "binary");
    expect(await find()).toMatchObject({
      kind: "found",
      version: "5.100.0",
      path: join(machine.root, folder),
    });
  });

  it("is found packed", async () => {
    await machine.file(
      "opt/m/registry.terraform.io/hashicorp/aws/terraform-provider-aws_5.100.0_linux_amd64.zip",
      "zip",
    );
    expect(await find()).toMatchObject({ kind: "found", path: join(machine.root, "opt/m") });
  });

  it.each([
    [
      "another version",
      "opt/m/registry.terraform.io/hashicorp/aws/5.99.0/linux_amd64/terraform-provider-aws_v5.99.0_x5",
    ],
    [
      "another platform",
      "opt/m/registry.terraform.io/hashicorp/aws/5.100.0/darwin_arm64/terraform-provider-aws_v5.100.0_x5",
    ],
    ["another registry", unpackedProvider("opt/m", "registry.opentofu.org")],
    ["an empty package", "opt/m/registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64/README"],
  ])("is missing when a mirror holds %s", async (_, path) => {
    await machine.file(path, "binary");
    expect(await find()).toMatchObject({
      kind: "missing",
      reason: expect.stringContaining("5.100.0 for linux_amd64: registry.terraform.io does not answer"),
      install: expect.stringContaining("REKINDLE_PROVIDER_MIRROR"),
    });
  });

  it("is taken from where REKINDLE_PROVIDER_MIRROR says, and from nowhere else", async () => {
    await machine.file(unpackedProvider("opt/other"), "binary");
    machine.context.env.REKINDLE_PROVIDER_MIRROR = join(machine.root, "named");
    expect(await find()).toMatchObject({
      kind: "missing",
      reason: expect.stringContaining("REKINDLE_PROVIDER_MIRROR names"),
    });
    await machine.file(unpackedProvider("named"), "binary");
    expect(await find()).toMatchObject({ kind: "found", path: join(machine.root, "named") });
  });

  it("is downloaded once when there is no mirror and the registry answers", async () => {
    machine.context.reaches = async (url) =>
      url === "https://registry.terraform.io/.well-known/terraform.json";
    expect(await find()).toMatchObject({
      kind: "found",
      path: "registry.terraform.io",
      note: expect.stringContaining("first use"),
    });
    const { cliConfig } = await ensureTerraform(machine.context);
    expect(await readFile(cliConfig, "utf8")).toContain(
      `plugin_cache_dir = "${machine.context.stateDir}/providers"`,
    );
  });

  it("is found again without network after it was downloaded", async () => {
    await machine.file(unpackedProvider("project/.rekindle/providers"), "binary");
    expect(await find()).toMatchObject({ kind: "found", path: join(machine.context.stateDir, "providers") });
  });

  it("is asked of OpenTofu's registry when there is only tofu", async () => {
    machine.context.env.REKINDLE_TERRAFORM = await machine.program(
      "tofu",
      terraformScript("1.10.2", "OpenTofu"),
    );
    await machine.file(unpackedProvider("opt/m", "registry.opentofu.org"), "binary");
    const { binary, cliConfig } = await ensureTerraform(machine.context);
    expect(binary).toBe(join(machine.root, "bin/tofu"));
    expect(await readFile(cliConfig, "utf8")).toContain('include = ["registry.opentofu.org/hashicorp/aws"]');
  });
});

describe("the user's CLI configuration", () => {
  const installing =
    'provider_installation {\n  network_mirror {\n    url = "https://mirror.example/"\n  }\n}\n';

  beforeEach(() => machine.file(unpackedProvider("opt/m"), "binary"));

  it("is used as it is when it says how to install providers", async () => {
    const path = await machine.file("home/.terraformrc", installing);
    expect((await ensureTerraform(machine.context)).cliConfig).toBe(path);
  });

  it("is left alone when it says nothing of that", async () => {
    const path = await machine.file("home/.terraformrc", 'credentials "app.example" {\n  token = "t"\n}\n');
    const { cliConfig } = await ensureTerraform(machine.context);
    expect(cliConfig).toBe(join(machine.context.stateDir, "terraform.rc"));
    expect(await readFile(cliConfig, "utf8")).not.toContain("token");
    expect(await readFile(path, "utf8")).toContain("token");
  });

  it("is passed over when terraform cannot read it", async () => {
    await machine.program(
      "terraform",
      `${terraformScript()}\n[ "$TF_CLI_CONFIG_FILE" = /dev/null ] || echo "There are some problems with the CLI configuration:" >&2`,
    );
    machine.context.env.TF_CLI_CONFIG_FILE = await machine.file("bad.rc", `${installing}}}}`);
    expect((await ensureTerraform(machine.context)).cliConfig).toBe(
      join(machine.context.stateDir, "terraform.rc"),
    );
  });

  it.each(["home/nothing", "home"])("is passed over when TF_CLI_CONFIG_FILE names %s", async (path) => {
    await mkdir(join(machine.root, "home"), { recursive: true });
    machine.context.env.TF_CLI_CONFIG_FILE = join(machine.root, path);
    const { cliConfig } = await ensureTerraform(machine.context);
    expect(await readFile(cliConfig, "utf8")).toContain(`path    = "${join(machine.root, "opt/m")}"`);
  });

  it.each([
    ["a folder without the provider", 'filesystem_mirror {\n    path = "/nowhere"\n  }', false],
    ["the folder that has it", 'filesystem_mirror {\n    path = "MIRROR"\n  }', true],
    ["a registry that does not answer", "direct {}", false],
    ["a folder only in a comment", '# filesystem_mirror { path = "MIRROR" }', false],
  ])("counts by whether the provider can come from there: %s", async (_case, method, isUsed) => {
    const said = method.replace("MIRROR", join(machine.root, "opt/m"));
    const path = await machine.file("own.rc", `provider_installation {\n  ${said}\n}\n`);
    machine.context.env.TF_CLI_CONFIG_FILE = path;
    const own = join(machine.context.stateDir, "terraform.rc");
    expect((await ensureTerraform(machine.context)).cliConfig).toBe(isUsed ? path : own);
  });
});
