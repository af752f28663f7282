/** An IPv4 block as a range of numbers; `last` is its last address. */
export interface Block {
  first: number;
  last: number;
  prefix: number;
}

/** The block, or what is wrong with the text. */
export function parseCidr(text: string): Block | string {
  const [address = "", length = ""] = text.split("/");
  const octets = address.split(".").map(Number);
  if (octets.length !== 4 || octets.some((octet) => !(octet >= 0 && octet <= 255)))
    return "an octet is over 255";
  if (address.split(".").some((octet) => octet.length > 1 && octet.startsWith("0")))
    return "an octet begins with 0, which some tools read as octal";
  const prefix = Number(length);
  if (!(prefix >= 0 && prefix <= 32)) return `a prefix of ${length} is not between 0 and 32`;
  const first = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const size = 2 ** (32 - prefix);
  if (first % size !== 0)
    return `it has host bits set; the block of that size begins at ${dotted(first - (first % size))}`;
  return { first, last: first + size - 1, prefix };
}

export function overlaps(a: Block, b: Block): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(outer: Block, inner: Block): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** A number as an address. */
export function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
