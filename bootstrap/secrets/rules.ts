import { type Candidate, isElsewhere, isSecretValue } from "./exempt.ts";

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

const isNotElsewhere = ({ value }: Candidate) => !isElsewhere(value);
/** Parts of a setting's name. */
const word =
  "(?:passw(?:or)?d|passphrase|passwort|(?<![a-z])pass|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|credentials?)";
/** A value with or without quotes, or alone in the lines below. What ends a bare one may also stand within it. */
const written = String.raw`(?:"(?<quoted>(?:[^"\\\n]|\\.)*)"|'(?<single>(?:[^'\\\n]|\\.|'')*)'|[|>][-+]?[ \t]*\r?\n[ \t]+(?<block>[^\r\n]+)|(?<bare>\{\{[^}\n]{0,200}\}\}|<[^>\n]{0,200}>|[^ \t\r\n"';,](?:[^ \t\r\n"';,)}\]]|[;,](?=[^ \t\r\n])(?![ \t]*["'\w][\w .-]{0,40}["']?[ \t]*[=:])|["')}\]](?=\w))*))`;

export const secretRules: readonly SecretRule[] = [
  {
    name: "private-key",
    words: ["private key"],
    pattern:
      /(?<value>-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|$(?![\s\S])))/dg,
  },
  {
    name: "aws-access-key",
    words: ["akia", "asia"],
    pattern: /(?<![A-Za-z0-9])(?<value>(?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Za-z0-9])/dg,
  },
  {
    name: "aws-secret-key",
    words: ["aws"],
    pattern:
      /aws_?secret_?(?:access_?)?key["']?\s{0,8}[:=]\s{0,8}["']?(?<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/dgi,
  },
  {
    name: "github-token",
    words: ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
    pattern: /(?<value>\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{60,}))/dg,
  },
  {
    name: "gitlab-token",
    words: ["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"],
    pattern: /(?<value>\bgl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,})/dg,
  },
  { name: "slack-token", words: ["xox"], pattern: /(?<value>\bxox[abeoprs]-[A-Za-z0-9-]{10,})/dg },
  {
    name: "stripe-key",
    words: ["k_live_", "k_test_"],
    pattern: /(?<value>\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,})/dg,
  },
  { name: "google-api-key", words: ["aiza"], pattern: /(?<value>\bAIza[\w-]{35})/dg },
  { name: "npm-token", words: ["npm_"], pattern: /(?<value>\bnpm_[A-Za-z0-9]{36})/dg },
  { name: "jwt", words: ["eyj"], pattern: /(?<value>(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})/dg },
  {
    name: "url-password",
    words: ["://"],
    pattern: /:\/\/(?<=[A-Za-z0-9]:\/\/)[^ \t\r\n:/@'"]*:(?<value>[^ \t\r\n/@'"]+)@[^ \t\r\n/'"]/dg,
    isSecret: isNotElsewhere,
  },
  {
    name: "pgpass-line",
    words: [":"],
    files: /(^|\/)(\.pgpass|pgpass\.conf)$/,
    pattern: /^(?!#)[^:\n]*:[^:\n]*:[^:\n]*:[^:\n]*:(?<value>[^\r\n]+)/dgm,
    isSecret: isNotElsewhere,
  },
  {
    name: "password-hash",
    words: ["$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "{s", "{md5}", "scram-sha-256$"],
    pattern:
      /(?<value>\$(?:1|2[aby]?|5|6|7|y|gy|apr1)\$[./A-Za-z0-9=,$]{16,}|\{(?:SSHA|SHA|SMD5|MD5)\}[A-Za-z0-9+/=]{20,}|SCRAM-SHA-256\$[\w+/=:$]{30,})/dg,
  },
  {
    name: "assigned-secret",
    words: ["pass", "pwd", "secret", "token", "key", "credential"],
    pattern: new RegExp(
      String.raw`${word}[\w-]{0,40}["']?\]?[ \t]{0,40}(?:=>|:=|[:=])[ \t]{0,80}${written}`,
      "dgi",
    ),
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["define(", "</", "identified", "password"],
    // PHP's constants, XML's elements, and SQL.
    pattern: new RegExp(
      String.raw`\bdefine\([ \t]{0,8}["']\w{0,40}?${word}\w{0,40}["'][ \t]{0,8},[ \t]{0,8}["'](?<value>[^"'\n]*)["']|${word}[\w-]{0,40}>(?<element>[^<\n]{1,500})</|(?:\bidentified[ \t]{1,8}by|\bpassword)[ \t]{1,8}'(?<single>[^'\n]*)'`,
      "dgi",
    ),
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["requirepass", "masterauth", "auth_pass"],
    // As Redis and keepalived have it: a word, a blank, a value.
    pattern:
      /^[ \t#]{0,80}(?:requirepass|masterauth|auth_pass)[ \t]{1,40}["']?(?<value>[^ \t\r\n"']{4,})/dgim,
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["password"],
    // As netrc and mail programs have it.
    files: /(^|\/)(\.netrc|netrc|sasl_passwd|chap-secrets|pap-secrets)$/,
    pattern: /\bpassword[ \t]{1,40}(?<value>[^ \t\r\n]{4,})/dgi,
    isSecret: isNotElsewhere,
  },
];
