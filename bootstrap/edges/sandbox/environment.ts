/** What a shell must set and forget so that every AWS tool in it speaks to the sandbox and to nothing else. */
export interface SandboxEnvironment {
  set: Record<string, string>;
  unset: string[];
}

export interface EnvironmentWish {
  /** The region of tools that are not told one: the recovery region. */
  region: string;
  /** Rekindle's own Terraform CLI configuration; Terraform's defaults when undefined. */
  terraformCliConfig: string | undefined;
  /** Whether its servers really run; assumed unless said otherwise. */
  hasBodies?: boolean;
  /** The environment to be changed. */
  inherited: NodeJS.ProcessEnv;
}

/** Ways in which a user's own settings would lead past the sandbox, or into it with real credentials. */
const misleading = [
  "AWS_PROFILE",
  "AWS_DEFAULT_PROFILE",
  "AWS_SESSION_TOKEN",
  "AWS_SECURITY_TOKEN",
  "AWS_ROLE_ARN",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CA_BUNDLE",
  "AWS_USE_FIPS_ENDPOINT",
  "AWS_USE_DUALSTACK_ENDPOINT",
  "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

const misleadingNames = /^AWS_ENDPOINT_URL_|^(AWS_\w+|TF_AWS_\w+)_ENDPOINT$/;

export function sandboxEnvironment(
  sandbox: { endpoint: string },
  { region, terraformCliConfig, hasBodies = true, inherited }: EnvironmentWish,
): SandboxEnvironment {
  const withoutProxy = noProxy(inherited);
  return {
    set: {
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_ACCESS_KEY_ID: "rekindle-sandbox",
      AWS_SECRET_ACCESS_KEY: "rekindle-sandbox",
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_EC2_METADATA_DISABLED: "true",
      // A default profile may name endpoints, roles or another addressing style.
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      // Terraform's provider would try a lost region 25 times, for many minutes.
      AWS_MAX_ATTEMPTS: "5",
      // cdktf reads these as its options: a provider lock needs the registry.
      CDKTF_SKIP_PROVIDER_LOCK: "true",
      CHECKPOINT_DISABLE: "1",
      DISABLE_VERSION_CHECK: "1",
      // Rows of the emulator hold no data, and nothing that could be frozen.
      ...(hasBodies ? {} : { REKINDLE_ALLOW_CRASH: "1" }),
      NO_PROXY: withoutProxy,
      no_proxy: withoutProxy,
      ...(terraformCliConfig === undefined ? {} : { TF_CLI_CONFIG_FILE: terraformCliConfig }),
    },
    unset: [
      ...misleading,
      ...(hasBodies ? ["REKINDLE_ALLOW_CRASH"] : []),
      ...Object.keys(inherited)
        .filter((name) => misleadingNames.test(name))
        .sort(),
    ],
  };
}

/** For a child process: the inherited environment with the changes made. */
export function applyEnvironment(
  inherited: NodeJS.ProcessEnv,
  { set, unset }: SandboxEnvironment,
): NodeJS.ProcessEnv {
  const kept = Object.entries(inherited).filter(([name]) => !unset.includes(name));
  return { ...Object.fromEntries(kept), ...set };
}

function noProxy(inherited: NodeJS.ProcessEnv): string {
  const named = [inherited.NO_PROXY, inherited.no_proxy, "127.0.0.1", "localhost"].flatMap(
    (list) => list?.split(",") ?? [],
  );
  return [...new Set(named.map((name) => name.trim()).filter((name) => name !== ""))].join(",");
}
