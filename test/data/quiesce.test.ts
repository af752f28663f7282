import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { quiesceSchema } from "../../bootstrap/config/quiesce-schema.ts";
import { systemClock } from "../../bootstrap/edges/clock.ts";
import { shellBy } from "../../bootstrap/edges/hosts/host-shell.ts";
import { type Hold, quiescer, quiesceScript } from "../../bootstrap/edges/hosts/quiescer.ts";
import { observeHold } from "../../bootstrap/recovery/observe.ts";
import type { Told } from "../../bootstrap/recovery/told.ts";
import { aLoopVolume, isWritable, type LoopVolume, lackingForLoops, mountCopy, sh } from "./loop-volume.ts";

const lacking = lackingForLoops("xfs_repair", "dumpe2fs", "e2fsck");

describe.skipIf(lacking !== undefined)("file systems under write load", () => {
  let folder: string;
  let volumes: LoopVolume[];
  let load: ChildProcess[];
  let holds = 0;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rekindle-quiesce-"));
    process.env.REKINDLE_RUN = await mkdtemp("/run/rekindle-test-");
    volumes = [];
    load = [];
  });
  afterEach(async () => {
    for (const one of load) one.kill("SIGKILL");
    for (const volume of [...volumes].reverse()) volume.remove();
    await rm(process.env.REKINDLE_RUN!, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    delete process.env.REKINDLE_RUN;
  });

  const volume = async (name: string, filesystem: "xfs" | "ext4" = "ext4") => {
    const made = await aLoopVolume(folder, name, filesystem);
    volumes.push(made);
    return made;
  };
  const patience = { signal: new AbortController().signal };
  const shell = (timeoutMs: number) => shellBy("sh", ["-s"], { ...patience, timeoutMs });
  const aHold = (changes: { limit?: string } = {}): Hold & { quiesce: { kind: "filesystem" } } => {
    holds += 1;
    return {
      id: `hold-${holds}`,
      quiesce: quiesceSchema.parse({ kind: "filesystem", ...changes }) as never,
      mount: volumes[0]!.mount,
      volumes: volumes.map(({ device }, index) => ({ name: `data-${index}`, device, volumeId: "none" })),
    };
  };
  const observe = (hold: Hold, frozen: Told, told: Told) =>
    observeHold(hold.quiesce, frozen, { kind: "told", told });

  /** Goes on writing numbered files, each one safe on its disk before it is acknowledged outside. */
  const writeLoad = ({ mount }: LoopVolume, acknowledged: string) => {
    const script = `n=0; while :; do n=$((n + 1)); seq $n $((n + 2000)) >${mount}/f$n; sync ${mount}/f$n; echo $n >>${acknowledged}; done`;
    load.push(spawn("sh", ["-c", script], { stdio: "ignore" }));
  };
  const acknowledged = async (file: string) =>
    Number((await readFile(file, "utf8").catch(() => "0")).trimEnd().split("\n").at(-1));
  const writing = async (file: string) => {
    const before = await acknowledged(file);
    for (let tries = 0; tries < 100 && (await acknowledged(file)) <= before; tries++) await sleep(50);
    return (await acknowledged(file)) > before;
  };

  test.each([
    "xfs",
    "ext4",
  ] as const)("a copy of a frozen %s is whole without its log", async (filesystem) => {
    const data = await volume("data", filesystem);
    const log = join(folder, "acknowledged");
    writeLoad(data, log);
    await sleep(1_500);
    if (filesystem === "ext4") {
      // What a copy of one that is not frozen looks like.
      sh(`cp --sparse=always ${data.image} ${folder}/torn.img`);
      expect(sh(`dumpe2fs -h ${folder}/torn.img 2>/dev/null`)).toContain("needs_recovery");
    }
    const hold = aHold();
    const { freeze, thaw } = quiescer(shell, hold);
    const frozen = await freeze();
    expect(frozen.failed).toBeUndefined();
    const before = await acknowledged(log);
    sh(`cp --sparse=always ${data.image} ${folder}/copy.img`);
    const after = await acknowledged(log);
    expect(after).toBeLessThanOrEqual(before + 1);
    const seen = observe(hold, frozen, await thaw());
    expect(seen).toMatchObject({ label: "filesystem", reasons: [] });
    expect(seen.ran.map(({ what, exitCode }) => [what, exitCode])).toEqual([
      [`sync ${data.mount}`, 0],
      [`fsfreeze --freeze ${data.mount}`, 0],
      [`fsfreeze --unfreeze ${data.mount}`, 0],
    ]);
    const { from, until } = seen.frozen!;
    expect(Date.parse(until)).toBeGreaterThan(Date.parse(from));
    expect(await writing(log)).toBe(true);

    if (filesystem === "ext4") {
      expect(sh(`dumpe2fs -h ${folder}/copy.img 2>/dev/null`)).not.toContain("needs_recovery");
      sh(`e2fsck -fn ${folder}/copy.img`);
    }
    // Neither replays its log: what is read is what the freeze had left on the disk.
    const options = filesystem === "xfs" ? "ro,norecovery,nouuid" : "ro,noload";
    const copy = await mountCopy(`${folder}/copy.img`, join(folder, "copy"), options);
    try {
      for (let n = 1; n <= before; n++)
        expect(sh(`sha256sum <${copy.mount}/f${n}`)).toBe(sh(`seq ${n} ${n + 2000} | sha256sum`));
    } finally {
      copy.remove();
    }
  });

  test("two volumes are frozen at once, wherever they are mounted", async () => {
    await volume("a", "xfs");
    await volume("b");
    const hold = aHold();
    const { freeze, thaw } = quiescer(shell, hold);
    const frozen = await freeze();
    expect(await Promise.all(volumes.map(({ mount }) => isWritable(mount)))).toEqual([false, false]);
    const seen = observe(hold, frozen, await thaw());
    expect(seen.label).toBe("filesystem");
    expect(seen.ran.filter(({ what }) => what.startsWith("fsfreeze --freeze"))).toHaveLength(2);
    expect(await Promise.all(volumes.map(({ mount }) => isWritable(mount)))).toEqual([true, true]);
  });

  test("one of two that can't be frozen releases both, and leaves what somebody else froze to them", async () => {
    const [a, b] = [await volume("a"), await volume("b")];
    sh(`fsfreeze -f ${b.mount}`);
    const hold = aHold();
    const { freeze, thaw } = quiescer(shell, hold);
    const frozen = await freeze();
    expect(frozen.failed).toMatch(/\/b can't be frozen: .*busy/i);
    expect(await isWritable(a.mount)).toBe(true);
    const seen = observe(hold, frozen, await thaw());
    expect(seen).toMatchObject({
      label: "crash",
      reasons: [expect.stringContaining("could not be made quiet")],
    });
    expect(await isWritable(b.mount)).toBe(false);
    sh(`fsfreeze -u ${b.mount}`);
  });

  test("a freeze that hangs ends with the limit, and what it froze later does not stay so", async () => {
    const outer = await volume("outer");
    const inner = await aLoopVolume(outer.mount, "inner", "ext4");
    try {
      const beside = await volume("beside");
      sh(`head -c 20000000 /dev/urandom >${inner.mount}/unwritten`);
      // The disk of `inner` takes no writes any more.
      sh(`fsfreeze -f ${outer.mount}`);
      const own = [inner, beside].map(({ device }, index) => ({
        name: `data-${index}`,
        device,
        volumeId: "none",
      }));
      const hold = { ...aHold({ limit: "2s" }), mount: inner.mount, volumes: own };
      // What was to be written out before the freeze hangs first.
      const script = quiesceScript("freeze", hold).replace("patience=300", "patience=1");
      const started = systemClock.monotonic();
      const { stdout } = await shell(60_000)(script.replace('timeout "$patience" sync -f', "true"));
      expect(systemClock.monotonic() - started).toBeLessThan(20_000);
      expect(stdout).toMatch(/failed\tit was not frozen within 2 s/);
      expect(await isWritable(beside.mount)).toBe(true);
      sh(`fsfreeze -u ${outer.mount}`);
      await sleep(2_000);
      expect(await Promise.all([inner, beside].map(({ mount }) => isWritable(mount)))).toEqual([true, true]);
    } finally {
      sh(`fsfreeze -u ${outer.mount} 2>/dev/null; true`);
      inner.remove();
    }
  });

  test("whom nobody thaws in time is thawed by the server itself, and the label says crash", async () => {
    const data = await volume("data", "xfs");
    const hold = aHold({ limit: "2s" });
    const { freeze, thaw } = quiescer(shell, hold);
    const frozen = await freeze();
    expect(frozen.held).toBeDefined();
    expect(await isWritable(data.mount)).toBe(false);
    await sleep(3_000);
    expect(await isWritable(data.mount)).toBe(true);
    const seen = observe(hold, frozen, await thaw());
    expect(seen).toMatchObject({
      label: "crash",
      reasons: [expect.stringContaining("the server's watchdog let it go on at")],
    });
    const { from, until } = seen.frozen!;
    expect(Date.parse(until) - Date.parse(from)).toBeLessThan(3_000);
  });

  test("a thaw needs no watchdog, and the next hold clears up after one that lost all its processes", async () => {
    const data = await volume("data");
    const state = `${process.env.REKINDLE_RUN}/rekindle-quiesce`;
    const first = aHold();
    const frozen = await quiescer(shell, first).freeze();
    sh(`kill -9 $(cat ${state}/watchdog)`);
    expect(observe(first, frozen, await quiescer(shell, first).thaw()).label).toBe("filesystem");
    expect(await isWritable(data.mount)).toBe(true);

    await quiescer(shell, aHold()).freeze();
    sh(`kill -9 $(cat ${state}/watchdog)`);
    const next = aHold();
    const held = await quiescer(shell, next).freeze();
    expect(held.failed).toBeUndefined();
    expect(await isWritable(data.mount)).toBe(false);
    expect(observe(next, held, await quiescer(shell, next).thaw()).label).toBe("filesystem");
  });

  test("a second hold leaves the first one alone", async () => {
    const data = await volume("data");
    const first = aHold();
    const frozen = await quiescer(shell, first).freeze();
    const second = aHold();
    expect((await quiescer(shell, second).freeze()).failed).toMatch(
      /^another snapshot \(hold-\d+\) holds its data$/,
    );
    expect((await quiescer(shell, second).thaw()).released).toBeUndefined();
    expect(await isWritable(data.mount)).toBe(false);
    expect(observe(first, frozen, await quiescer(shell, first).thaw()).label).toBe("filesystem");
  });

  test("somebody else's thaw in the window is noticed", async () => {
    const data = await volume("data");
    const hold = aHold();
    const frozen = await quiescer(shell, hold).freeze();
    sh(`fsfreeze -u ${data.mount}`);
    const seen = observe(hold, frozen, await quiescer(shell, hold).thaw());
    expect(seen.reasons).toEqual([`${data.mount} had not stayed frozen until it was thawed`]);
  });

  test("killed anywhere with SIGKILL, whoever froze leaves nothing frozen past the limit", async () => {
    const [a, b] = [await volume("a", "xfs"), await volume("b")];
    for (const after of [20, 80, 140, 200, 260, 320, 500]) {
      const script = quiesceScript("freeze", { ...aHold({ limit: "1s" }), primary: "db-0" });
      const child = spawn("sh", ["-s"], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
      child.stdin!.on("error", () => undefined).end(script);
      await sleep(after);
      // A fast machine has frozen by then, and nobody is left to kill.
      if (child.exitCode === null) process.kill(-child.pid!, "SIGKILL");
      await sleep(2_500);
      expect([after, await isWritable(a.mount), await isWritable(b.mount)]).toEqual([after, true, true]);
      // What is copied of it later is not taken for a primary.
      expect([after, existsSync(`${a.mount}/.rekindle-primary`)]).toEqual([after, false]);
    }
  });

  test("nothing is frozen that the way back leads over", async () => {
    const data = await volume("data");
    const { REKINDLE_RUN } = process.env;
    process.env.REKINDLE_RUN = data.mount;
    expect((await quiescer(shell, aHold()).freeze()).failed).toMatch(
      /data also holds .*rekindle-quiesce, without which this server could not be thawed$/,
    );
    process.env.REKINDLE_RUN = REKINDLE_RUN;
    expect(await isWritable(data.mount)).toBe(true);
  });

  test("what is not mounted, or not there, is said", async () => {
    const data = await volume("data");
    sh(`umount ${data.mount}`);
    expect((await quiescer(shell, aHold()).freeze()).failed).toBe(`nothing is mounted at ${data.mount}`);
    sh(`mount -t tmpfs elsewhere ${data.mount}`);
    expect((await quiescer(shell, aHold()).freeze()).failed).toBe(
      `what is mounted at ${data.mount} is on none of its data volumes`,
    );
    sh(`umount ${data.mount}`);
    const gone = { ...aHold(), volumes: [{ name: "data-0", device: "/dev/sdq", volumeId: "vol-1" }] };
    expect((await quiescer(shell, gone).freeze()).failed).toBe("volume vol-1 is not there as /dev/sdq");
    sh(`mount ${data.device} ${data.mount}`);
  });

  test("a role's own commands run before and after, and one that fails freezes nothing", async () => {
    const data = await volume("data");
    const hooks = (before: string): Hold => ({
      ...aHold(),
      quiesce: quiesceSchema.parse({
        kind: "hooks",
        before,
        after: `echo after >>${folder}/hooks`,
      }) as Hold["quiesce"],
    });
    const hold = hooks(`echo before >>${folder}/hooks`);
    const frozen = await quiescer(shell, hold).freeze();
    expect(await isWritable(data.mount)).toBe(false);
    expect(observe(hold, frozen, await quiescer(shell, hold).thaw()).label).toBe("application");
    expect(await readFile(join(folder, "hooks"), "utf8")).toBe("before\nafter\n");
    const failing = await quiescer(shell, hooks("echo 'error: not now' >&2; exit 3")).freeze();
    expect(failing.failed).toBe("error: not now");
    expect(await isWritable(data.mount)).toBe(true);
  });
});
