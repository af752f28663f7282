/**
 * Which words a file can't have, at the cost of one look at each byte: most files have none of the words of any rule,
 * and a search for each of them takes ten times as long.
 *
 * Of three bytes in a row the low five bits are noted, which an ASCII letter's cases share. A word of which some three
 * letters were not noted is not there; one of which all were may be.
 */
export interface Sieve {
  pour(bytes: Uint8Array): void;
  /** False when the bytes that were poured last do not have the word, whatever its case. */
  mayHave(word: string): boolean;
}

export function sieve(): Sieve {
  // The file that was poured when a triple was last seen, by a number of a byte: small enough for a core's first cache.
  const seenIn = new Uint8Array(1 << 15);
  const triplesOf = new Map<string, number[]>();
  let file = 0;
  return {
    pour(bytes) {
      if (file === 255) seenIn.fill(0);
      file = (file % 255) + 1;
      let triple = 0;
      for (let index = 0; index < bytes.length; index++) {
        triple = next(triple, bytes[index]!);
        seenIn[triple] = file;
      }
    },
    mayHave(word) {
      let triples = triplesOf.get(word);
      if (triples === undefined) {
        triples = triplesIn(word);
        triplesOf.set(word, triples);
      }
      for (const triple of triples) if (seenIn[triple] !== file) return false;
      return true;
    },
  };
}

function triplesIn(word: string): number[] {
  const triples: number[] = [];
  let triple = 0;
  for (const byte of Buffer.from(word, "latin1")) {
    triple = next(triple, byte);
    triples.push(triple);
  }
  return triples.slice(2);
}

function next(triple: number, byte: number): number {
  return ((triple << 5) | (byte & 31)) & 0x7fff;
}
