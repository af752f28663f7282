import { describe, expect, it } from "vitest";
import { unrender } from "../../bootstrap/history/unrender.ts";

const template = "name={{server}}\nurl=http://{{database.main}}:5432/{{environment}}\nplain=1\n";

describe("a server's file", () => {
  it.each([
    [
      "is its template where only what was looked up differs",
      "name=web-1\nurl=http://db.x:5432/shop\nplain=1\n",
      template,
    ],
    [
      "keeps the lines that the template does not have",
      "name=web-1\nplain=2\n",
      "name={{server}}\nplain=2\n",
    ],
    ["is compared by line ends too", "name=web-1", "name={{server}}"],
  ])("%s", (_name, content, expected) => {
    expect(unrender(template, content)).toBe(expected);
  });

  it("shows no line that the template does not explain, when secrets are filled in", () => {
    expect(unrender("key={{secret:app#key}}\nport=1\n", "key=s3cret\nport=1\nkey2=s3cret\n")).toBe(
      "key={{secret:app#key}}\nport=1\n********\n",
    );
  });

  it("takes the template's own characters as they are", () => {
    expect(unrender("a.*({{server}})\n", "a.*(web)\n")).toBe("a.*({{server}})\n");
    expect(unrender("a.b{{server}}\n", "aXbweb\n")).toBe("aXbweb\n");
  });
});
