import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfigFiles } from "../../bootstrap/edges/config-files.ts";
import { formatFault } from "../../bootstrap/errors.ts";
import { secretFaults } from "../../bootstrap/secrets/allowed.ts";
import { type Finding, findSecrets } from "../../bootstrap/secrets/find.ts";
import { maskSecrets } from "../../bootstrap/secrets/mask.ts";
import { shopFiles } from "../config/builders.ts";

/** Put together here, so that no scanner takes this file for a leak. */
const join = (...parts: string[]) => parts.join("");
const pem = join("-----BEGIN ", "PRIVATE KEY-----\nMC4CAQ\n-----END ", "PRIVATE KEY-----");

const secrets: [string, string, string, string][] = [
  ["private-key", "etc/ssl/key.pem", pem, pem],
  [
    "private-key",
    "etc/ssh/key",
    join("x\n-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3Blbn\n"),
    join("-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3Blbn\n"),
  ],
  ["aws-access-key", "a", join("id AKIA", "ABCDEFGHIJKLMNOP"), join("AKIA", "ABCDEFGHIJKLMNOP")],
  ["aws-secret-key", "a", join("aws_secret_access_key = ", "a".repeat(40)), "a".repeat(40)],
  ["github-token", "a", join("gh", "p_", "a".repeat(36)), join("gh", "p_", "a".repeat(36))],
  ["gitlab-token", "a", join("gl", "pat-", "a".repeat(20)), join("gl", "pat-", "a".repeat(20))],
  ["slack-token", "a", join("xox", "b-1234567890-abc"), join("xox", "b-1234567890-abc")],
  ["stripe-key", "a", join("sk_", "live_", "a".repeat(24)), join("sk_", "live_", "a".repeat(24))],
  ["google-api-key", "a", join("AIza", "a".repeat(35)), join("AIza", "a".repeat(35))],
  ["npm-token", "a", join("npm_", "a".repeat(36)), join("npm_", "a".repeat(36))],
  [
    "jwt",
    "a",
    join("eyJhbGciOiJI.", "eyJzdWIiOiIx.", "abcdefghij"),
    join("eyJhbGciOiJI.", "eyJzdWIiOiIx.", "abcdefghij"),
  ],
  ["url-password", "a", "dsn postgres://app:hunter2@db:5432/shop", "hunter2"],
  ["pgpass-line", "root/.pgpass", "db:5432:*:app:hunter2", "hunter2"],
  [
    "password-hash",
    "etc/shadow",
    join("root:$6$", "abcdefgh$abcdefghijklmnop:1::"),
    join("$6$", "abcdefgh$abcdefghijklmnop"),
  ],
  ["assigned-secret", "a.ini", "password = hunter2", "hunter2"],
  ["assigned-secret", "a.yaml", "db:\n  clientSecret: 'hunter 2'", "hunter 2"],
  ["assigned-secret", "a.json", '{"api_key": "hunter2"}', "hunter2"],
  ["assigned-secret", "a.env", "PGPASSWORD=hunter2", "hunter2"],
  ["assigned-secret", "a.conf", "# password=hunter2", "hunter2"],
  ["assigned-secret", "etc/.netrc", "machine x login y password hunter2", "hunter2"],
  ["assigned-secret", "a.env", "DB_PASS=hunter2", "hunter2"],
  ["assigned-secret", "a.json", '{"password_min": 8, "password": "hunter2"}', "hunter2"],
  ["assigned-secret", "a.json", '{"password": "hunt\\"er2"}', 'hunt\\"er2'],
  ["assigned-secret", "a.yaml", "password: |\n  hunter2\n", "hunter2"],
  ["assigned-secret", "a.ini", "password = Pa;ss#word,2", "Pa;ss#word,2"],
  ["assigned-secret", "a.ini", "dsn = Server=db;Password=hunter2;Database=shop", "hunter2"],
  ["assigned-secret", "a.ini", "password = default-hunter2", "default-hunter2"],
  ["assigned-secret", "a.ini", "password = $ecret!2", "$ecret!2"],
  ["assigned-secret", "a.ini", "password = voilà-hunter2", "voilà-hunter2"],
  ["assigned-secret", "a.ini", "password = hunter2\r\n", "hunter2"],
  ["assigned-secret", "wp-config.php", "define( 'DB_PASSWORD', 'hunter2' );", "hunter2"],
  ["assigned-secret", "a.xml", "<password>hunter2</password>", "hunter2"],
  ["assigned-secret", "a.sql", "CREATE ROLE app LOGIN PASSWORD 'hunter2';", "hunter2"],
  ["assigned-secret", "redis.conf", "requirepass hunter2", "hunter2"],
  [
    "private-key",
    "age.txt",
    join("AGE-SECRET-", "KEY-1", "Q".repeat(58)),
    join("AGE-SECRET-", "KEY-1", "Q".repeat(58)),
  ],
  [
    "private-key",
    "a.ppk",
    join("PuTTY-User-", "Key-File-3: x\nPrivate-Lines: 1\nAAAA\n"),
    "Private-Lines: 1\nAAAA\n",
  ],
  ["private-key", "etc/krb5.keytab", "\u0005\u0002\u0000", "\u0005\u0002\u0000"],
  ["vault-token", "a", join("hv", "s.", "a".repeat(24)), join("hv", "s.", "a".repeat(24))],
  ["pypi-token", "a", join("py", "pi-", "a".repeat(60)), join("py", "pi-", "a".repeat(60))],
  ["ai-api-key", "a", join("sk-", "ant-", "a".repeat(24)), join("sk-", "ant-", "a".repeat(24))],
  [
    "sendgrid-key",
    "a",
    join("S", "G.", "a".repeat(22), ".", "b".repeat(43)),
    join("S", "G.", "a".repeat(22), ".", "b".repeat(43)),
  ],
  ["digitalocean-token", "a", join("do", "p_v1_", "0".repeat(64)), join("do", "p_v1_", "0".repeat(64))],
  ["telegram-token", "a", join("12345678:", "AA", "b".repeat(33)), join("12345678:", "AA", "b".repeat(33))],
  [
    "slack-webhook",
    "a",
    join("https://hooks.slack", ".com/services/T0/B0/", "a".repeat(24)),
    join("T0/B0/", "a".repeat(24)),
  ],
  ["url-password", "a", join("https://", "a".repeat(24), "@github.com/a/b"), "a".repeat(24)],
  ["authorization", "nginx.conf", "proxy_set_header Authorization 'Bearer abcdefghijkl';", "abcdefghijkl"],
  [
    "authorization",
    "nginx.conf",
    'proxy_set_header Authorization "Basic YXBwOmh1bnRlcjI=";',
    "YXBwOmh1bnRlcjI=",
  ],
  ["authorization", ".docker/config.json", '{"auths":{"x":{"auth":"YXBwOmh1bnRlcjI="}}}', "YXBwOmh1bnRlcjI="],
  ["password-hash", "etc/nginx/.htpasswd", "admin:abJnggxhB/yWI", "abJnggxhB/yWI"],
  ["assigned-secret", "context.xml", '<property name="db.password" value="hunter2"/>', "hunter2"],
  ["assigned-secret", "a.xml", '<entry key="db.password">hunter2</entry>', "hunter2"],
  ["assigned-secret", "a.env", "DBPASS=hunter2", "hunter2"],
  ["assigned-secret", "wg0.conf", "PresharedKey = hunter2=", "hunter2="],
  ["assigned-secret", "wpa_supplicant.conf", 'psk="hunter2"', "hunter2"],
  ["assigned-secret", "azure.env", "x=AccountName=a;AccountKey=hunter2==", "hunter2=="],
  ["assigned-secret", "ldap.conf", "bindpw hunter2", "hunter2"],
  ["assigned-secret", "frr.conf", "enable password hunter2", "hunter2"],
  ["assigned-secret", "rndc.key", 'key "a" {\n\tsecret "hunter2==";\n};', "hunter2=="],
  ["assigned-secret", "haproxy.cfg", "  user app insecure-password hunter2", "hunter2"],
  ["assigned-secret", "haproxy.cfg", "  stats auth admin:hunter2", "hunter2"],
  ["assigned-secret", "backup.sh", "mysqldump -u root -phunter2 shop", "hunter2"],
  ["assigned-secret", "backup.sh", "curl -u app:hunter2 https://x/", "hunter2"],
  ["assigned-secret", "backup.sh", "restic --password hunter2", "hunter2"],
  ["assigned-secret", "etc/ipsec.secrets", ': PSK "hunter2"', "hunter2"],
  ["assigned-secret", "etc/ppp/chap-secrets", "client server hunter2 *", "hunter2"],
  ["assigned-secret", "etc/snmp/snmpd.conf", "createUser app SHA hunter2hunter2", "hunter2hunter2"],
  ["assigned-secret", "a.ini", "password = !hunter2", "!hunter2"],
];

describe("found is", () => {
  test.for(secrets)("%s in %s", ([rule, path, text, value]) => {
    const found = findSecrets(path, Buffer.from(text));
    expect(found.map((one) => one.rule)).toEqual([rule]);
    const { start, end, line, column } = found[0]!;
    expect(Buffer.from(text).subarray(start, end).toString()).toBe(value);
    const before = Buffer.from(text).subarray(0, start).toString("latin1").split("\n");
    expect([line, column]).toEqual([before.length, before.at(-1)!.length + 1]);
  });

  test("a private key in a binary file, and nothing else there", () => {
    const binary = (text: string) => Buffer.concat([Buffer.from([0, 1, 2]), Buffer.from(text)]);
    expect(findSecrets("a", binary(pem)).map(({ rule }) => rule)).toEqual(["private-key"]);
    expect(findSecrets("a", binary("password = hunter2"))).toEqual([]);
  });

  test("a value by its bytes, whatever letters stand before it", () => {
    const bytes = Buffer.from("# größe\npassword = hunter2\n");
    const [{ start, end }] = findSecrets("a", bytes) as [Finding];
    expect(bytes.subarray(start, end).toString()).toBe("hunter2");
  });
});

describe("let through is", () => {
  test.for([
    "password = {{secret:rekindle/app/db#password}}",
    "*:*:shop:shop:{{secret:rekindle/app/shop#password}}",
    "ALTER ROLE shop PASSWORD '{{secret:rekindle/db/shop#password}}';",
    "url = postgres://shop:{{ssm:/rekindle/shop/app/password}}@db/shop",
    "password: ${DB_PASSWORD}",
    "password=$1",
    "passwd: files systemd",
    "password required pam_unix.so sha512",
    "password_encryption = scram-sha-256",
    "#password_encryption = md5",
    "PasswordAuthentication no",
    "ssl_certificate_key /etc/ssl/private/site.key;",
    "password_file = /etc/app/password",
    "token=$(curl -s http://169.254.169.254/latest/api/token)",
    "server_tokens off;",
    "token_ttl: 3600",
    "# password = changeme",
    "LoadCredential=pgpass:/etc/rekindle/secrets/pgpass",
    "proxy_pass http://127.0.0.1:8080;",
    "https://example.com/path:80@x",
    "password =",
    "secret: <the secret>",
    "passwd: files",
    "password [success=1 default=ignore] pam_unix.so obscure",
    'password: ""',
    "password=%(db_password)s",
    "password: null",
    "private_key = $dir/private/key.pem",
    "tokens: 4096",
    "# The password: ask whoever is on call",
    "#password=secret",
    "# requirepass foobared",
    "def read(path, token=None):",
    '{"token": session}',
    "password = get_password()",
    "amqp://app:${PASSWORD}@queue",
    "root:*:19000:0:99999:7:::",
    "LoadCredential=passwd.hashed-password.root",
    "tokenizer = standard",
    "passive_mode=enable",
    "bypass=always-on",
    "api_key_header: X-Api-Key",
    "passwordSecret: db-credentials",
    "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256",
    "password = var.db_password",
    "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so",
    'proxy_set_header Authorization "Bearer $token";',
    'auth_basic "Restricted area";',
    "docker login --password-stdin",
    "the AKIA prefix, ghp_ and sk_live_ alone",
  ])("%s", (text) => {
    expect(findSecrets("etc/a.conf", Buffer.from(text))).toEqual([]);
  });

  test("all that this repository ships", async () => {
    expect(secretFaults(await readConfigFiles(resolve(".")))).toEqual([]);
  });
});

/** Each took minutes once, or would with a pattern that begins again within its own matches. */
test.for([
  "0a",
  "a.",
  "password",
  "password=< ",
  "password={{ ",
  'password="\\" ',
  "password> ",
  "a://",
  "://:",
  "eyJaaaaaaaaa.",
  "-----BEGIN A ",
  "password = hunter2\n",
])("a megabyte of %j is read in a time that grows with it", (part) => {
  const bytes = Buffer.from(`token ${part.repeat(1_000_000 / part.length)}`);
  expect(findSecrets("a", bytes).length).toBeLessThan(bytes.length);
});

test("a masked text keeps its lines and shows no value", () => {
  expect(maskSecrets("a", `ä\npassword = hunter2\n${pem}\nend`)).toBe(
    "ä\npassword = ********\n********\n********\n********\nend",
  );
});

describe("the allow-list", () => {
  const path = "configs/roles/web/files/etc/app.conf";
  const files = (list?: string) => {
    const all = new Map(shopFiles()).set(path, {
      content: Buffer.from("password = hunter2\n"),
      mode: "0644",
    });
    if (list !== undefined)
      all.set("configs/allowed-secrets.yaml", { content: Buffer.from(list), mode: "0644" });
    return secretFaults(all).map(formatFault);
  };
  const entry = (changes: string) =>
    `version: 1\nallowed:\n  - { path: ${path}, rule: assigned-secret${changes} }\n`;

  test("missing: the fault names file, line and rule, and never the value", () => {
    expect(files()).toEqual([
      expect.stringMatching(/app\.conf:1:12: this looks like a secret \(assigned-secret\); refer to it/),
    ]);
    expect(files().join()).not.toContain("hunter2");
  });

  test("lets through what it names with a reason", () => {
    expect(files(entry(", reason: a test account"))).toEqual([]);
  });

  test("needs a reason", () => {
    expect(files(entry("")).join("\n")).toContain("reason is missing");
  });

  test("names an entry that allows nothing", () => {
    expect(files(entry(", reason: old").replace("assigned-secret", "jwt")).join("\n")).toContain(
      "has nothing that looks like a jwt",
    );
  });
});
