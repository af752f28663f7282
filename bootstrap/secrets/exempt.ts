/** A match as the exemptions see it: the value, and its line up to it and from it on. */
export interface Candidate {
  value: string;
  before: string;
  after: string;
}

/** Refers to a value that is elsewhere: a reference, a variable, a path, or nothing. */
const elsewhere =
  /^(\{\{.*\}\}|\$\w+([/:].*)?|\$[({].*|`.*|<[^>]*>|%\(\w+\)s|%\w+%?|\.{0,2}\/[^=]*|~\/.*|file:.*|env:.*|arn:.*|!(?:vault|secret|env_var|include|reference|ref|sub|getatt|importvalue|join|if|findinmap|select|encrypted)\b.*|(?:var|local|data|module|each)\.[\w.-]+|ENC\[.*|\$ANSIBLE_VAULT.*|\w+:(?:\/[^=]*|#?none)?|null|nil|none|undefined|true|false|yes|no|on|off|)$/i;
/** `{{secret:`, whose own word is no setting's name. */
const reference = /\{\{[ \t]*(?:secret|ssm):$/;
/** A value of a program's own: a call, an element, a string with a prefix, a part to be filled in, a pattern's class. */
const expression = /^([\w.]+\(|\[\\.*|[\w.]+\([^()]*\);?|[\w.]+\[.*|[bfru]{1,2}["'].*|\{[\w.]+\}?)$/i;
/** What stands where a secret would, in examples that are commented out. */
const example =
  /^(password|passwd|secret|token|changeme|change-me|foobared|example|your\b.*|xxx+|\*+|\.\.\.)$/i;
/** Values of settings that have a secret's name and say how, not what; several, as in `passwd: files systemd`. */
const manner =
  /^(?:(?:scram-sha-256|md5|sha\d*|crypt|plain|trust|peer|ident|files?|sss|compat|systemd|ldap|db|required|requisite|sufficient|optional|include|substack|prompt|ask|ask-pass|keyring|bearer|basic|jwt|default|disabled|enabled|auto|always|never|optional_no_ca)(?:[ ,]+|$))+$/i;
/** Settings whose name holds a secret's word, and which hold none: numbers, names of files, ways to do it. */
const otherSetting =
  /(?:password_?(?:encryption|authentication|min|max|expire|file|hash|policy|lifetime|reuse|timeout|prompt|warn|attempts)|token_?(?:ttl|auth|header|expiry|expiration|lifetime|timeout|url|endpoint|type|file|path)|server_tokens|max_?tokens?|tokens?_?per|secret_?(?:name|id|ref|arn|path|file|backend|provider)|key_?(?:id|file|path|name|type|size|length|header)|psk[_-]?(?:identity|file|flags)|pass[_-]?through|password_?secret|ssl_certificate_key|credentials?_?(?:file|path|type|helper|provider|source)|(?:load|import|condition|assert)credential(?:encrypted)?|setcredentialencrypted)\w*["']?[ \t]*(?:=>|:=|[:=])[ \t]*["']?$/i;

export const isNotElsewhere = ({ value }: Candidate) => !elsewhere.test(value);

/** No setting has a longer name, with its sign. */
const longestName = 100;

/** Whether an assignment's value can be a secret at all. */
export function isSecretValue({ value, before, after }: Candidate): boolean {
  if (
    value.length < 4 ||
    reference.test(before) ||
    elsewhere.test(value) ||
    manner.test(value) ||
    otherSetting.test(before.slice(-longestName))
  )
    return false;
  if (value.startsWith("-----BEGIN ") || isCode(value, before, after)) return false;
  if (/^\d+$/.test(value) && /tokens["']?[ \t]*[:=][ \t]*$/i.test(before)) return false;
  return !isComment(before) || !(example.test(value) || isProse(value, before, after));
}

/** `{"token": session}` and `read(secret=name)`: a variable's name, where data would have quotes. */
function isCode(value: string, before: string, after: string): boolean {
  if (expression.test(value)) return true;
  return /^[a-z_.]+$/i.test(value) && (/["'][ \t]*:[ \t]*$/.test(before) || after[value.length] === ")");
}

/** What is commented out is as leaked as what is not. */
function isComment(before: string): boolean {
  return /^\s*(#|;|\/\/|--)/.test(before);
}

/** `# The password: ask the owner`. */
function isProse(value: string, before: string, after: string): boolean {
  return /:[ \t]+$/.test(before) && /^[a-z]+$/i.test(value) && /^[a-z]+[ \t]+[a-z]/i.test(after);
}
