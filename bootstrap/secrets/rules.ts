/**
 * What a secret looks like. Rules of our own: the libraries that know more kinds of token load for half a second and
 * look at one file at a time, and a release of 20,000 files is published in less.
 */
export interface SecretRule {
  name: string;
  /** With the flag `d`; the group `value` is the secret itself. */
  pattern: RegExp;
  /** Only in these files; everywhere when left out. */
  files?: RegExp;
  /** Whether a match is one, where the pattern can't tell. */
  isSecret?(value: string, line: string): boolean;
}

/** Refers to a value that is elsewhere: a reference, a variable, a path, or nothing. */
const elsewhere =
  /^(\{\{.*\}\}|\$[({\w].*|`.*|<[^>]*>|%\(\w+\)s|%\w+%|\/.*|~\/.*|file:.*|env:.*|arn:.*|null|nil|none|undefined|true|false|yes|no|on|off|)$/i;
/** What stands where a secret would, in examples that are commented out. */
const example = /^(password|passwd|secret|token|changeme|change-me|example|your.*|xxx+|\*+|\.\.\.)$/i;
/** Values of settings that have a secret's name and say how, not what. */
const manner =
  /^(scram-sha-256|md5|sha\d*|crypt|plain|trust|peer|ident|files?|sss|compat|systemd|ldap|db|required|requisite|sufficient|optional|include|substack|prompt|ask|ask-pass|keyring|bearer|basic|jwt|default|disabled|enabled|auto|always|never|optional_no_ca)\b/i;

export const secretRules: readonly SecretRule[] = [
  {
    name: "private-key",
    pattern:
      /(?<value>-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|$(?![\s\S])))/dg,
  },
  { name: "aws-access-key", pattern: /(?<![A-Za-z0-9])(?<value>(?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Za-z0-9])/dg },
  {
    name: "aws-secret-key",
    pattern:
      /aws_?secret_?(?:access_?)?key["']?\s*[:=]\s*["']?(?<value>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/dgi,
  },
  { name: "github-token", pattern: /(?<value>\b(?:gh[opsur]_[A-Za-z0-9]{36,}|github_pat_\w{60,}))/dg },
  { name: "gitlab-token", pattern: /(?<value>\bgl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,})/dg },
  { name: "slack-token", pattern: /(?<value>\bxox[abeoprs]-[A-Za-z0-9-]{10,})/dg },
  { name: "stripe-key", pattern: /(?<value>\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,})/dg },
  { name: "google-api-key", pattern: /(?<value>\bAIza[\w-]{35})/dg },
  { name: "npm-token", pattern: /(?<value>\bnpm_[A-Za-z0-9]{36})/dg },
  { name: "jwt", pattern: /(?<value>\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})/dg },
  {
    name: "url-password",
    pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*:(?<value>[^\s/@'"]+)@[^\s/'"]/dgi,
    isSecret: (value) => !elsewhere.test(value),
  },
  {
    name: "pgpass-line",
    files: /(^|\/)(\.pgpass|pgpass\.conf)$/,
    pattern: /^(?!#)[^:\n]*:[^:\n]*:[^:\n]*:[^:\n]*:(?<value>[^\n]+)$/dgm,
    isSecret: (value) => !elsewhere.test(value),
  },
  {
    name: "password-hash",
    pattern:
      /(?<value>\$(?:1|2[aby]?|5|6|7|y|gy|apr1)\$[./A-Za-z0-9=,$]{16,}|\{(?:SSHA|SHA|SMD5|MD5)\}[A-Za-z0-9+/=]{20,}|SCRAM-SHA-256\$[\w+/=:$]{30,})/dg,
  },
  {
    name: "assigned-secret",
    pattern:
      /(?<key>[\w.-]*(?:password|passwd|passphrase|passwort|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|pwd)[\w-]*)["']?[ \t]*(?:=>|:=|[:=])[ \t]*(?:"(?<quoted>[^"\n]*)"|'(?<single>[^'\n]*)'|(?<bare>\{\{[^}\n]*\}\}|<[^>\n]*>|[^\s"'#;,]+))/dgi,
    isSecret: (value, line) =>
      value.length >= 4 &&
      !elsewhere.test(value) &&
      !manner.test(value) &&
      !(isComment(line) && example.test(value)) &&
      !namesMore.test(line),
  },
  {
    name: "assigned-secret",
    // As netrc, .my.cnf-like and mail programs have it: a word, a blank, a value.
    files: /(^|\/)(\.netrc|netrc|sasl_passwd|chap-secrets|pap-secrets)$/,
    pattern: /\bpassword[ \t]+(?<value>\S{4,})/dgi,
    isSecret: (value) => !elsewhere.test(value),
  },
];

/** Settings whose name holds a secret's word, and which hold none: numbers, names of files, ways to do it. */
const namesMore =
  /(?:^|[\s"'_.-])(?:password_?(?:encryption|authentication|min|max|expire|file|hash|policy|lifetime|reuse|timeout|prompt|warn)|token_?(?:ttl|expiry|expiration|lifetime|timeout|url|endpoint|type|file|path)|server_tokens|max_?tokens?|tokens?_?per|secret_?(?:name|id|ref|arn|path|file)|(?:api|access|private)_?key_?(?:id|file|path|name)|ssl_certificate_key|credentials?_?(?:file|path|type|helper|provider|source))["']?\s*[:= \t]/i;

function isComment(line: string): boolean {
  return /^\s*(#|;|\/\/|--)/.test(line);
}

/** A text without any of these holds no secret: most files are passed over at the cost of one search. */
export const hint =
  /pass|pwd|secret|token|key|credential|AKIA|ASIA|gh[opsur]_|github_pat|glpat|gldt|glrt|xox|sk_|rk_|AIza|npm_|eyJ|:\/\/[^\s/@]*:[^\s/@]*@|\$(?:1|2|5|6|7|y|gy|apr1)|\{S?SHA|\{S?MD5|SCRAM-/i;
