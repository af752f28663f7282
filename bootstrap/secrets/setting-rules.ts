import { type Candidate, isNotElsewhere, isSecretValue } from "./exempt.ts";
import type { SecretRule } from "./rule.ts";

/** `user:password`, as HTTP and registries encode it. */
const isUserAndPassword = ({ value }: Candidate) =>
  /^[ -~]+:[ -~]+$/.test(Buffer.from(value, "base64").toString("latin1"));
/** Parts of a setting's name. */
const word =
  "(?:passw(?:or)?d|passphrase|passwort|(?<!by|com|over|under|tres|sur|proxy)pass(?![a-z])|pwd|(?:root|bind)pw|authtok(?!_)|secret|token(?!i[sz]|stream)|(?:api|access|private|auth|account|shared|encryption|signing)[_-]?key|(?<![a-z])psk(?![a-z])|credentials?)";
/** A value with or without quotes, or alone in the lines below. What ends a bare one may also stand within it. */
const written = String.raw`(?:"(?<quoted>(?:[^"\\\n]|\\.)*)"|'(?<single>(?:[^'\\\n]|\\.|'')*)'|[|>][-+]?[ \t]*\r?\n[ \t]+(?<block>[^\r\n]+)|(?<bare>\{\{[^}\n]{0,200}\}\}|<[^>\n]{0,200}>|[^ \t\r\n"';,](?:[^ \t\r\n"';,)}\]]|[;,](?=[^ \t\r\n])(?![ \t]*["'\w][\w .-]{0,40}["']?[ \t]*[=:])|["')}\]](?=\w))*))`;

/** Values that are secrets because of what they are given to. */
export const settingRules: readonly SecretRule[] = [
  {
    name: "authorization",
    words: ["basic"],
    pattern: /\bbasic[ \t]{1,8}(?<value>[A-Za-z0-9+/]{6,}={0,2})/dgi,
    isSecret: isUserAndPassword,
  },
  {
    name: "authorization",
    words: ["auth"],
    // As registries' clients have it, of npm and of containers.
    pattern: /\b_?auth["']?[ \t]{0,8}[:=]\s{0,8}["']?(?<value>[A-Za-z0-9+/]{6,}={0,2})/dgi,
    isSecret: isUserAndPassword,
  },
  {
    name: "assigned-secret",
    words: ["pass", "pwd", "rootpw", "bindpw", "authtok", "secret", "token", "key", "psk", "credential"],
    pattern: new RegExp(
      String.raw`${word}[\w-]{0,40}["']?\]?[ \t]{0,40}(?:=>|:=|[:=])[ \t]{0,80}${written}`,
      "dgi",
    ),
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["define("],
    pattern: new RegExp(
      String.raw`\bdefine\([ \t]{0,8}["']\w{0,40}?${word}\w{0,40}["'][ \t]{0,8},[ \t]{0,8}["'](?<value>[^"'\n]*)["']`,
      "dgi",
    ),
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["</", "value="],
    // XML's elements and attributes.
    pattern: new RegExp(
      String.raw`${word}[\w-]{0,40}>(?<element>[^<\n]{1,500})</|\b(?:key|name)="[\w.-]{0,60}?${word}[\w-]{0,40}"(?:\s{1,40}value="(?<quoted>[^"\n]*)"|>(?<block>[^<\n]{1,500})</)`,
      "dgi",
    ),
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["identified", "password"],
    // SQL.
    pattern: /(?:\bidentified[ \t]{1,8}by|\bpassword)[ \t]{1,8}'(?<single>[^'\n]*)'/dgi,
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["passw", "passphrase", "pass", "masterauth", "rootpw", "bindpw", "secret", "community"],
    // A word, a blank, a value, and no more: Redis, LDAP, BIND, HAProxy, routers.
    pattern:
      /^[ \t#]{0,80}(?:(?:set|enable|user[ \t]{1,8}[\w.-]{1,64})[ \t]{1,8})?(?:(?:insecure-)?passw(?:or)?d|passphrase|requirepass|masterauth|auth_pass|rootpw|bindpw|secret|r[ow]community6?)[ \t]{1,40}(?:"(?<quoted>[^"\n]{4,})"|'(?<single>[^'\n]{4,})'|(?<bare>[^ \t\r\n"';]{4,}));?[ \t]{0,80}\r?$/dgim,
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["--pass", "--token", "--secret", "curl", "stats auth", "mysql"],
    // On a command line, and HAProxy's page of statistics.
    pattern:
      /(?:--(?:password|passwd|passphrase|token|secret)[ \t]{1,8}|\bcurl(?=[ \t])[^\n|;]{0,200}?[ \t](?:-u|--user)[ \t]{0,8}["']?[\w.@-]{1,64}:|^[ \t]{0,80}stats[ \t]{1,8}auth[ \t]{1,8}[\w.@-]{1,64}:|\bmysql(?:dump|admin)?(?=[ \t])[^\n|;]{0,200}?[ \t]-p(?![ \t]))["']?(?<value>[^ \t\r\n"'`|;&-][^ \t\r\n"'`|;&]{3,})/dgm,
    isSecret: isSecretValue,
  },
  {
    name: "assigned-secret",
    words: ["psk", "xauth", "eap", "rsa"],
    files: /ipsec[\w.-]*secrets$/,
    pattern: /:[ \t]{1,40}(?:PSK|XAUTH|EAP|NTLM)[ \t]{1,40}"(?<value>[^"\n]+)"/dg,
    isSecret: isNotElsewhere,
  },
  {
    name: "assigned-secret",
    words: [" ", "\t"],
    files: /(^|\/)(chap|pap)-secrets$/,
    pattern:
      /^(?!\s*#)[ \t]{0,8}[^ \t\n]{1,200}[ \t]{1,40}[^ \t\n]{1,200}[ \t]{1,40}["']?(?<value>[^ \t\r\n"']+)/dgm,
    isSecret: isNotElsewhere,
  },
  {
    name: "assigned-secret",
    words: ["createuser"],
    // Of SNMP: two passwords, each after its algorithm.
    pattern: /\b(?:SHA(?:-\d{3})?|MD5|AES|DES)[ \t]{1,8}["']?(?<value>[^ \t\r\n"']{8,})/dg,
    files: /(^|\/)snmpd[\w.-]*$/,
    isSecret: isNotElsewhere,
  },
  {
    name: "assigned-secret",
    words: ["password"],
    // As netrc and mail programs have it.
    files: /(^|\/)(\.netrc|netrc|sasl_passwd)$/,
    pattern: /\bpassword[ \t]{1,40}(?<value>[^ \t\r\n]{4,})/dgi,
    isSecret: isNotElsewhere,
  },
];
