import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { ToolContext } from "./context.ts";

export type Package = "node" | "git" | "python3" | "terraform" | "cloud-init" | "shellcheck" | "aws";

type Manager = "apt-get" | "dnf" | "brew";

/** The command that installs a package on this system; for other systems the page that says how. */
export function installCommand(context: ToolContext, wanted: Package): string {
  const manager = managers(context).find((name) => isThere(context, name));
  if (manager === undefined) return `see ${pages[wanted]}`;
  return commands[wanted][manager].replaceAll("sudo ", context.isAdministrator ? "" : "sudo ");
}

function managers({ platform }: ToolContext): Manager[] {
  return platform === "darwin" ? ["brew"] : ["apt-get", "dnf", "brew"];
}

function isThere({ env }: ToolContext, name: string): boolean {
  return (env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

const apt = (name: string) => `sudo apt-get update && sudo apt-get install -y ${name}`;
const dnf = (name: string) => `sudo dnf install -y ${name}`;
const brew = (name: string) => `brew install ${name}`;

/** Debian and Fedora carry no Terraform: HashiCorp's own repository does. */
const hashicorpApt =
  "curl -fsSL https://apt.releases.hashicorp.com/gpg | sudo tee /usr/share/keyrings/hashicorp.asc >/dev/null && " +
  `echo "deb [signed-by=/usr/share/keyrings/hashicorp.asc] https://apt.releases.hashicorp.com $(. /etc/os-release && echo $VERSION_CODENAME) main" | ` +
  `sudo tee /etc/apt/sources.list.d/hashicorp.list && ${apt("terraform")}`;
const hashicorpDnf =
  `sudo curl -fsSLo /etc/yum.repos.d/hashicorp.repo https://rpm.releases.hashicorp.com/${isFedora() ? "fedora" : "RHEL"}/hashicorp.repo && ` +
  dnf("terraform");

const commands: Record<Package, Record<Manager, string>> = {
  node: {
    "apt-get":
      "curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - && sudo apt-get install -y nodejs",
    dnf: dnf("nodejs"),
    brew: brew("node"),
  },
  git: { "apt-get": apt("git"), dnf: dnf("git"), brew: brew("git") },
  python3: { "apt-get": apt("python3 python3-venv"), dnf: dnf("python3 python3-pip"), brew: brew("python3") },
  terraform: { "apt-get": hashicorpApt, dnf: hashicorpDnf, brew: brew("hashicorp/tap/terraform") },
  "cloud-init": {
    "apt-get": apt("cloud-init"),
    dnf: dnf("cloud-init"),
    brew: "see https://cloudinit.readthedocs.io",
  },
  shellcheck: { "apt-get": apt("shellcheck"), dnf: dnf("ShellCheck"), brew: brew("shellcheck") },
  aws: { "apt-get": apt("awscli"), dnf: dnf("awscli2"), brew: brew("awscli") },
};

const pages: Record<Package, string> = {
  node: "https://nodejs.org/en/download",
  git: "https://git-scm.com/downloads",
  python3: "https://www.python.org/downloads",
  terraform: "https://developer.hashicorp.com/terraform/install or https://opentofu.org/docs/intro/install",
  "cloud-init": "https://cloudinit.readthedocs.io",
  shellcheck: "https://github.com/koalaman/shellcheck#installing",
  aws: "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
};

function isFedora(): boolean {
  try {
    return /^ID="?fedora/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}
