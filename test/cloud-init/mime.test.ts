import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { mimeArchive, partType } from "../../cloud-init/mime.ts";
import { encodeUserData, renderUserData, userDataLimit } from "../../cloud-init/user-data.ts";
import { someVariables } from "./variables.ts";

const parts = [
  { name: "server.yaml", content: "#cloud-config\nhostname: {{server}}\n" },
  { name: "hello.sh", content: "#!/bin/sh\necho 'ä {{role}}'\n" },
];

/** What Python's own reader, the one that cloud-init uses, makes of the archive. */
function readByPython(archive: string): { type: string; name: string; content: string }[] {
  const reader = `
import email, json, sys
parts = email.message_from_string(sys.stdin.read()).get_payload()
print(json.dumps([{"type": p.get_content_type(), "name": p.get_filename(), "content": p.get_payload(decode=True).decode()} for p in parts]))
`;
  const { stdout, stderr } = spawnSync("python3", ["-c", reader], { input: archive, encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

/** cloud-init's own processor, where Debian's cloud-init is installed: what it would act on, by its own types. */
const processor = `
import sys
from cloudinit import helpers, user_data
processor = user_data.UserDataProcessor(helpers.Paths({}))
for part in processor.process(sys.stdin.buffer.read()).walk():
    if not part.is_multipart():
        print(part.get_content_type())
`;
const hasCloudInit = spawnSync("/usr/bin/python3", ["-c", "import cloudinit.user_data"]).status === 0;

describe("user-data", () => {
  it("is one MIME part a template, in their order, filled in", () => {
    expect(readByPython(renderUserData(parts, someVariables()))).toEqual([
      { type: "text/cloud-config", name: "server.yaml", content: "#cloud-config\nhostname: web\n" },
      { type: "text/x-shellscript", name: "hello.sh", content: "#!/bin/sh\necho 'ä web'\n" },
    ]);
  });

  it("carries a part that holds the boundary", () => {
    const content = "#cloud-config\n# --==rekindle==\n";
    expect(readByPython(mimeArchive([{ name: "a", content }]))[0]!.content).toBe(content);
  });

  it("is the same bytes each time", () => {
    const digest = (text: string) => createHash("sha256").update(encodeUserData(text)).digest("hex");
    const large = [{ name: "a", content: `#cloud-config\n# ${"abcdefgh".repeat(4000)}\n` }];
    expect(digest(mimeArchive(large))).toBe(digest(mimeArchive(large)));
  });

  it("is compressed only when it would be too large as it is", () => {
    const small = mimeArchive(parts);
    expect(Buffer.from(encodeUserData(small)).toString()).toBe(small);
    const large = mimeArchive([
      { name: "a", content: `#cloud-config\n${"# the same again\n".repeat(2000)}` },
    ]);
    const encoded = encodeUserData(large);
    expect(encoded.byteLength).toBeLessThan(userDataLimit);
    expect(gunzipSync(encoded).toString()).toBe(large);
  });

  it.each([
    ["#cloud-config", "text/cloud-config"],
    ["#!/bin/sh\n", "text/x-shellscript"],
    ["#cloud-boothook\n", "text/cloud-boothook"],
    ["## template: jinja\n#cloud-config", "text/jinja2"],
    ["hello", undefined],
    ["", undefined],
  ])("that begins with %j is %s", (content, type) => {
    expect(partType(content)).toBe(type);
  });

  it.runIf(hasCloudInit)("is what cloud-init itself would act on", () => {
    const ask = (input: Uint8Array) =>
      spawnSync("/usr/bin/python3", ["-c", processor], { input, encoding: "utf8" }).stdout.trim().split("\n");
    const types = ["text/cloud-config", "text/x-shellscript"];
    expect(ask(encodeUserData(mimeArchive(parts)))).toEqual(types);
    const large = [{ ...parts[0]!, content: `${parts[0]!.content}${"# more\n".repeat(4000)}` }, parts[1]!];
    expect(ask(encodeUserData(mimeArchive(large)))).toEqual(types);
  });
});
