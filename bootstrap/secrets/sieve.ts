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
  // The file that was poured when a triple was last seen: nothing has to be cleared between two files.
  const seenIn = new Uint32Array(1 << 15);
  const triplesOf = new Map<string, number[]>();
  let file = 0;
  return {
    pour(bytes) {
      file += 1;
      let triple = 0;
      for (let index = 0; index < bytes.length; index++) {
        triple = next(triple, bytes[index]!);
        seenIn[triple] = file;
      }
    },
    mayHave(word) {
      let triples = triplesOf.get(word);
      if (triples === undefined) triplesOf.set(word, (triples = triplesIn(word)));
      return triples.every((triple) => seenIn[triple] === file);
    },
  };
}

function triplesIn(word: string): number[] {
  let triple = 0;
  return [...Buffer.from(word, "latin1")].map((byte) => (triple = next(triple, byte))).slice(2);
}

function next(triple: number, byte: number): number {
  return ((triple << 5) | (byte & 31)) & 0x7fff;
}
