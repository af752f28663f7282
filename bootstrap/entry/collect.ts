import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { FindSecrets } from "../collect/cleanse.ts";
import { selection } from "../collect/globs.ts";
import { regionOfBucket } from "../collect/inbox-key.ts";
import { type CollectRules, collectRules, hostOf, type SourceRule } from "../collect/sources.ts";
import { collect, type RoleToCollect, shortcomings } from "../commands/collect.ts";
import { pushConfig } from "../commands/push-config.ts";
import { type ConfigFiles, rolePath } from "../config/files.ts";
import { siteBucket } from "../config/names.ts";
import { gitCommits } from "../edges/git-commit.ts";
import { announceByCommand, announceToTopic } from "../edges/hosts/announce.ts";
import { openAside } from "../edges/hosts/aside.ts";
import { folderSource } from "../edges/hosts/folder.ts";
import { type Inbox, inboxSource, s3Inbox } from "../edges/hosts/inbox.ts";
import { readText } from "../edges/hosts/role-files.ts";
import { takeRunLock } from "../edges/hosts/run-lock.ts";
import type { Source } from "../edges/hosts/source.ts";
import { sshSource } from "../edges/hosts/ssh.ts";
import { ssmSource } from "../edges/hosts/ssm.ts";
import { badConfiguration, RekindleError } from "../errors.ts";
import { allowedSecrets, allowedSecretsPath } from "../secrets/allowed.ts";
import { findSecrets } from "../secrets/find.ts";
import { answer, type Options, say } from "./answer.ts";
import { positive, seconds } from "./numbers.ts";
import { environmentName, projectRoot, stateFolder, topologyOf } from "./project.ts";
import { awsAccessOfShell, type Running, running } from "./shell.ts";

/** The commands that bring live servers' configuration into git. */

export interface CollectOptions extends Options {
  host?: string[];
  jobs: string;
  timeout: string;
  wait?: string | true;
  sshConfig?: string;
  announceTopic?: string;
  announceCommand?: string;
}

export async function collectCommand(asked: string[], options: CollectOptions): Promise<void> {
  const root = projectRoot();
  const run = running();
  const print = say(options);
  const rules = collectRules(await roleTexts(root), asked);
  refuseUnknownHosts(rules, options.host ?? []);
  const jobs = positive("--jobs", options.jobs);
  const announce = announcer(options, root, run);
  const connect = await connector(rules, options, root, run, print);
  const roles = [...rules].map(([role, rules]): RoleToCollect => {
    const wanted = rules.sources.filter((source) => options.host?.includes(hostOf(source)) ?? true);
    return { role, rules, hosts: rules.sources.map(hostOf), sources: wanted.map(connect) };
  });

  const folder = join(stateFolder(), "collect");
  const waitMs =
    options.wait === undefined ? 0 : 1000 * seconds("--wait", options.wait === true ? "1h" : options.wait);
  const release = await takeRunLock(join(folder, "lock"), { waitMs, ...run, print });
  const aside = join(folder, "aside");
  try {
    const report = await collect({
      root,
      roles: roles.filter(({ sources }) => sources.length > 0),
      commits: gitCommits(root, folder),
      aside: await openAside(aside),
      intentionFile: join(folder, "intention.json"),
      findSecrets: await secretsFinder(root),
      jobs,
      announce,
      print,
    });
    if (options.json) answer(options, report, []);
    const failure = shortcomings(report);
    if (failure !== undefined) throw failure;
  } finally {
    await rm(aside, { recursive: true, force: true });
    await release();
  }
}

export interface PushOptions extends Options {
  bucket?: string;
  region?: string;
  host: string;
  role?: string;
  path?: string[];
  exclude?: string[];
  root: string;
  timeout: string;
}

export async function pushConfigCommand(options: PushOptions): Promise<void> {
  const run = running();
  const { paths, exclude } = await pushedPaths(options);
  const { region, bucket } = await pushTarget(options);
  const patience = { timeoutMs: 1000 * seconds("--timeout", options.timeout), signal: run.signal };
  const folder = await mkdtemp(join(tmpdir(), "rekindle-push-"));
  try {
    const pushed = await pushConfig({
      source: folderSource(options.host, resolve(options.root), patience),
      selection: selection(paths, exclude),
      inbox: s3Inbox(awsAccessOfShell(run), region, bucket),
      file: join(folder, "push.tar.gz"),
      clock: run.clock,
    });
    answer(options, pushed, [
      ...pushed.leftOut.map(({ path, reason }) => `left out: ${path} ${reason}`),
      `${pushed.files} files and links of ${pushed.host} are at s3://${pushed.bucket}/${pushed.key}`,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The text of each role's role.yaml, by the role's name. */
async function roleTexts(root: string): Promise<Map<string, string>> {
  const folders = await readdir(join(root, "configs", "roles")).catch(() => []);
  const texts = new Map<string, string>();
  for (const role of folders) {
    const text = await readText(join(root, rolePath(role)));
    if (text !== undefined) texts.set(role, text);
  }
  return texts;
}

function refuseUnknownHosts(rules: ReadonlyMap<string, CollectRules>, asked: readonly string[]): void {
  const known = new Set([...rules.values()].flatMap(({ sources }) => sources.map(hostOf)));
  const unknown = asked.filter((host) => !known.has(host));
  if (unknown.length === 0) return;
  throw new RekindleError(
    "bad-input",
    `--host ${JSON.stringify(unknown[0])} is no host of ${[...rules.keys()].join(", ")}; name one of ${[...known].join(", ")}`,
  );
}

/** How each kind of source is reached. AWS is asked for nothing when no source is there. */
async function connector(
  rules: ReadonlyMap<string, CollectRules>,
  options: CollectOptions,
  root: string,
  run: Running,
  print: (line: string) => void,
): Promise<(source: SourceRule) => Source> {
  const patience = { timeoutMs: 1000 * seconds("--timeout", options.timeout), signal: run.signal };
  const sshConfig = options.sshConfig ?? process.env.REKINDLE_SSH_CONFIG;
  const needsAws = [...rules.values()].some(({ sources }) =>
    sources.some((source) => "ssm" in source || "inbox" in source),
  );
  const access = awsAccessOfShell(run);
  const inboxes = needsAws ? await inboxesOf(options, access) : [];
  return (source) => {
    if ("ssh" in source) return sshSource(source.ssh, { ...patience, sshConfig });
    if ("folder" in source) return folderSource(source.host, resolve(root, source.folder), patience);
    if ("inbox" in source) return inboxSource(source.inbox, inboxes, print);
    // An instance reaches the bucket of its own region even on the day that the other one is lost.
    const nearest = inboxes.find(({ region }) => region === source.region) ?? inboxes[0]!;
    return ssmSource(source.ssm, source.region, access, nearest, { ...patience, clock: run.clock });
  };
}

async function inboxesOf(options: Options, access: ReturnType<typeof awsAccessOfShell>): Promise<Inbox[]> {
  const { name, account, regions } = (await topologyOf(environmentName(options.env))).environment;
  return [regions.recovery, regions.primary].map((region) =>
    s3Inbox(access, region, siteBucket(name, account, region)),
  );
}

function announcer({ announceTopic, announceCommand }: CollectOptions, root: string, run: Running) {
  const ways = [
    ...(announceTopic === undefined ? [] : [announceToTopic(awsAccessOfShell(run), announceTopic)]),
    ...(announceCommand === undefined ? [] : [announceByCommand(announceCommand, root)]),
  ];
  if (ways.length === 0) return undefined;
  return async (announcement: Parameters<(typeof ways)[number]>[0]) => {
    for (const way of ways) await way(announcement);
  };
}

/** A host that pushes often has no project: then it names its paths itself. */
async function pushedPaths({ role, path, exclude = [] }: PushOptions) {
  if (path !== undefined) return { paths: path, exclude };
  if (role === undefined)
    throw new RekindleError(
      "bad-input",
      "nothing says what to push; name --path <glob>, or a --role of this project",
    );
  const root = projectRoot();
  const text = await readFile(join(root, rolePath(role)), "utf8").catch(() => undefined);
  const rules = collectRules(new Map(text === undefined ? [] : [[role, text]]), [role]).get(role)!;
  return { paths: rules.paths, exclude: [...rules.exclude, ...exclude] };
}

async function pushTarget({ bucket, region, env }: PushOptions): Promise<{ region: string; bucket: string }> {
  if (bucket === undefined) {
    const { name, account, regions } = (await topologyOf(environmentName(env))).environment;
    const own = region ?? regions.recovery;
    return { region: own, bucket: siteBucket(name, account, own) };
  }
  const found = region ?? regionOfBucket(bucket);
  if (found !== undefined) return { region: found, bucket };
  throw new RekindleError("bad-input", `bucket ${bucket} does not tell its region; name it with --region`);
}

/** What looks like a secret, but for what the project allows with a reason. */
async function secretsFinder(root: string): Promise<FindSecrets> {
  const text = await readText(join(root, allowedSecretsPath));
  const files: ConfigFiles = new Map(
    text === undefined ? [] : [[allowedSecretsPath, { content: Buffer.from(text), mode: "0644" as const }]],
  );
  const { allowed, faults } = allowedSecrets(files);
  if (faults.length > 0) throw badConfiguration(faults);
  const isAllowed = (path: string, rule: string) =>
    allowed.some((one) => one.path === path && one.rule === rule);
  return (path, bytes) => findSecrets(path, bytes).filter(({ rule }) => !isAllowed(path, rule));
}
