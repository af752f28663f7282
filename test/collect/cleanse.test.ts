import { describe, expect, it } from "vitest";
import { fillsIn, masking, referring } from "../../bootstrap/collect/cleanse.ts";

describe("masks", () => {
  const mask = masking([{ paths: ["/etc/a"], pattern: "^serial (\\d)\\d*$", replacement: "serial $1…" }]);

  it("replace matches in each line of the files they are for", () => {
    expect(mask("/etc/a", Buffer.from("serial 123\nx\nserial 9\n")).toString()).toBe(
      "serial 1…\nx\nserial 9…\n",
    );
    expect(mask("/etc/b", Buffer.from("serial 123\n")).toString()).toBe("serial 123\n");
  });

  it("leave bytes that are no UTF-8 as they are", () => {
    const bytes = masking([{ paths: ["/a"], pattern: "b", replacement: "c" }])(
      "/a",
      Buffer.from([0xff, 0x62, 0x0d, 0x0a]),
    );
    expect([...bytes]).toEqual([0xff, 0x63, 0x0d, 0x0a]);
  });
});

describe("references", () => {
  const refer = (text: string, values: string[], taken = new Set<string>()) => {
    const findings = values.map((value) => {
      const start = text.indexOf(value);
      return { rule: "r", line: 1, column: 1, start, end: start + value.length };
    });
    return referring("web", "/etc/app/x.env", Buffer.from(text), findings, taken).bytes.toString();
  };

  it("are named by file and key, and each once", () => {
    expect(refer('DB_PASSWORD="aaa"\nplain bbb\nDB_PASSWORD: ccc\n', ["aaa", "bbb", "ccc"])).toBe(
      'DB_PASSWORD="{{secret:rekindle/web/etc-app-x.env/DB_PASSWORD}}"\n' +
        "plain {{secret:rekindle/web/etc-app-x.env}}\n" +
        "DB_PASSWORD: {{secret:rekindle/web/etc-app-x.env/DB_PASSWORD-2}}\n",
    );
  });

  it("take the place of a value once, when two rules see it", () => {
    expect(refer("k=abcdef", ["abcdef", "def"])).toBe("k={{secret:rekindle/web/etc-app-x.env/k}}");
  });
});

describe("a template", () => {
  it.each([
    ["a={{x}}\nb={{y}}\n", "a=1\nb=2\n", true],
    ["a={{x}}\nb={{y}}\n", "a=1\nb=2\nc\n", false],
    ["a={{x}}\n", "a=\n", true],
    ["{{x}}{{y}}", "", true],
    ["a={{x}}\n", "a=1\nb=2\n", false],
    ["ab{{x}}bc", "abc", false],
    ["key\n{{x}}\nend", "key\nmany\nlines\nend", true],
    ["plain", "plain", true],
  ])("%j gives %j: %s", (template, live, expected) => {
    expect(fillsIn(template, live)).toBe(expected);
  });
});
