import { isNotElsewhere } from "./exempt.ts";
import type { SecretRule } from "./rule.ts";

/** Values that tell by themselves that they are secrets. */
export const tokenRules: readonly SecretRule[] = [
  {
    name: "private-key",
    words: ["private key"],
    pattern:
      /(?<value>-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----|$(?![\s\S])))/dg,
  },
  {
    name: "private-key",
    words: [""],
    // Whole files that are nothing else, in formats that are no text.
    files: /\.(p12|pfx|jks|keystore|keytab|kdbx)$/i,
    pattern: /^(?<value>[\s\S]+)$/dg,
  },
  {
    name: "private-key",
    words: ["age-secret-key-"],
    pattern: /(?<value>\bAGE-SECRET-KEY-1[0-9A-Z]{40,})/dg,
  },
  {
    name: "private-key",
    words: ["putty-user-key-file-"],
    pattern: /(?<value>^Private-Lines: \d+\r?\n[A-Za-z0-9+/=\s]*)/dgm,
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
  { name: "pypi-token", words: ["pypi-"], pattern: /(?<value>\bpypi-[\w-]{50,})/dg },
  {
    name: "vault-token",
    words: ["hvs.", "hvb.", "hvr."],
    pattern: /(?<value>\bhv[sbr]\.[\w-]{24,})/dg,
  },
  {
    name: "slack-webhook",
    words: ["hooks.slack.com"],
    pattern: /hooks\.slack\.com\/services\/(?<value>\w+\/\w+\/\w{16,})/dg,
  },
  {
    name: "sendgrid-key",
    words: ["sg."],
    pattern: /(?<value>\bSG\.[\w-]{16,32}\.[\w-]{32,64})/dg,
  },
  { name: "ai-api-key", words: ["sk-"], pattern: /(?<value>(?<![\w-])sk-(?:ant|proj|svcacct)-[\w-]{20,})/dg },
  {
    name: "digitalocean-token",
    words: ["_v1_"],
    pattern: /(?<value>\bdo[opr]_v1_[0-9a-f]{64})/dg,
  },
  {
    name: "telegram-token",
    words: [":aa"],
    pattern: /(?<value>(?<![A-Za-z0-9])\d{8,10}:AA[\w-]{33})(?![\w-])/dg,
  },
  { name: "jwt", words: ["eyj"], pattern: /(?<value>(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})/dg },
  {
    name: "url-password",
    words: ["://"],
    pattern: /:\/\/(?<=[A-Za-z0-9]:\/\/)[^ \t\r\n:/@'"]*:(?<value>[^ \t\r\n/@'"]+)@[^ \t\r\n/'"]/dg,
    isSecret: isNotElsewhere,
  },
  {
    name: "url-password",
    words: ["://"],
    // A token in the user's place, as GitHub takes it.
    pattern: /\bhttps?:\/\/(?<value>[A-Za-z0-9_-]{20,80})@[A-Za-z0-9]/dg,
  },
  {
    name: "authorization",
    words: ["authorization"],
    pattern:
      /\bauthorization["']?[ \t]{0,8}[:= \t]?[ \t]{0,8}["']?(?:bearer|token|apikey)[ \t]{1,8}(?<value>[A-Za-z0-9+/=._~-]{12,})/dgi,
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
    name: "password-hash",
    words: [":"],
    // The old crypt, too.
    files: /(^|\/)\.?(htpasswd|shadow|gshadow)[\w.-]*$/,
    pattern: /^[^:\s#]{1,64}:(?<value>[./A-Za-z0-9]{13})(?![^:\s])/dgm,
  },
];
