/** One part of user-data: a name for people, and text whose first line tells cloud-init what it is. */
export interface MimePart {
  name: string;
  content: string;
}

/** First line → what cloud-init takes the part for. */
const types: [RegExp, string][] = [
  [/^#cloud-config\s*$/, "text/cloud-config"],
  [/^#!/, "text/x-shellscript"],
  [/^#cloud-boothook/, "text/cloud-boothook"],
  [/^## template: jinja/, "text/jinja2"],
];

/** The MIME type of a part; nothing when cloud-init would ignore it without a word. */
export function partType(content: string): string | undefined {
  const first = content.split("\n", 1)[0]!;
  return types.find(([pattern]) => pattern.test(first))?.[1];
}

/**
 * cloud-init's MIME archive of some parts, in their order. Deterministic: the boundary is fixed, and no part can hold
 * it, since a text with such a line is carried in base64.
 */
export function mimeArchive(parts: readonly MimePart[]): string {
  const boundary = "==rekindle==";
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "MIME-Version: 1.0",
    "",
    ...parts.flatMap((part) => [`--${boundary}`, ...encodePart(part, boundary)]),
    `--${boundary}--`,
    "",
  ].join("\n");
}

function encodePart({ name, content }: MimePart, boundary: string): string[] {
  const type = partType(content) ?? "text/plain";
  const isPlain = /^[\t\n\x20-\x7e]*$/.test(content) && !content.includes(boundary);
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    "MIME-Version: 1.0",
    `Content-Transfer-Encoding: ${isPlain ? "7bit" : "base64"}`,
    `Content-Disposition: attachment; filename="${name}"`,
    // Otherwise a later part's lists, runcmd for one, would take the place of an earlier part's.
    ...(type === "text/cloud-config" ? ["Merge-Type: list(append)+dict(no_replace,recurse_list)+str()"] : []),
    "",
    isPlain ? content : wrapped(Buffer.from(content).toString("base64")),
  ];
}

function wrapped(base64: string): string {
  return base64.replace(/.{76}/g, "$&\n");
}
