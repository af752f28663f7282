import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { aLoopVolume, lackingForLoops, sh } from "./loop-volume.ts";

const script = resolve("bootstrap/edges/hosts/beside.sh");

describe.skipIf(lackingForLoops() !== undefined)("a copy of a file system that is mounted", () => {
  test.each([
    "xfs",
    "ext4",
  ] as const)("is mounted beside it, %s, though both have one UUID", async (filesystem) => {
    const folder = await mkdtemp(join(tmpdir(), "rekindle-beside-"));
    const data = await aLoopVolume(folder, "data", filesystem);
    let disk = "";
    try {
      sh(`echo before >${data.mount}/file; fsfreeze -f ${data.mount}`);
      await cp(data.image, `${folder}/copy.img`);
      sh(`fsfreeze -u ${data.mount}; echo after >${data.mount}/file`);
      disk = sh(`losetup --find --show ${folder}/copy.img`).trim();
      const old = join(folder, "old");
      expect(sh(`. ${script}; beside single ${old} ro ${disk}`).trim()).toBe(disk);
      expect(sh(`cat ${old}/file ${data.mount}/file`)).toBe("before\nafter\n");
      sh(`. ${script}; away ${old}`);
      expect(sh(`mountpoint -q ${old} || echo gone`)).toBe("gone\n");
    } finally {
      if (disk !== "") sh(`losetup -d ${disk}`);
      data.remove();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
