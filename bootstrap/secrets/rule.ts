import type { Candidate } from "./exempt.ts";

/**
 * What a secret looks like. Rules of our own: the libraries that know more kinds of token load for half a second and
 * look at one file at a time, and a release of 20,000 files is published in less.
 *
 * No pattern may take longer than a file's length: none begins with a repetition, and what is repeated before a
 * pattern can fail is bounded, or can't begin again within itself. The text is bytes as latin1, where `\s` would take
 * the second half of an `à` for a blank: values end at ASCII blanks.
 */
export interface SecretRule {
  name: string;
  /** In lower case; a file with none of them is passed over at the cost of a search for a word. */
  words: readonly string[];
  /** With the flag `d`; the group `value`, or that of one way to write it, is the secret itself. */
  pattern: RegExp;
  /** Only in these files; everywhere when left out. */
  files?: RegExp;
  /** Whether a match is one, where the pattern can't tell. */
  isSecret?(candidate: Candidate): boolean;
}
