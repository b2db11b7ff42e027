/** Names and passwords by host, as ftp(1) and curl read `.netrc`. */

export interface NetrcEntry {
  /** Undefined: the default. */
  readonly machine: string | undefined;
  readonly login: string;
  readonly password: string;
}

/** Words, quoted ones with `\"`, `\n`, `\r`, `\t`; lines of macros and comments left out. */
function words(text: string): string[] {
  const found: string[] = [];
  let macro = false;
  for (const line of text.split(/\r?\n/)) {
    if (macro) {
      macro = line.trim() !== "";
      continue;
    }
    for (const [word] of line.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)) {
      // A `#` begins a comment only where a keyword may stand: passwords have it too.
      if (word.startsWith("#") && !VALUED.has(found.at(-1) ?? "")) break;
      if (word === "macdef" && !VALUED.has(found.at(-1) ?? "")) {
        macro = true;
        break;
      }
      found.push(word.startsWith('"') && word.length > 1 ? unquoted(word) : word);
    }
  }
  return found;
}

const VALUED = new Set(["machine", "login", "password", "account"]);

function unquoted(word: string): string {
  return word
    .slice(1, -1)
    .replace(/\\(.)/g, (_, c: string) => ({ n: "\n", r: "\r", t: "\t" })[c] ?? c);
}

export function parseNetrc(text: string): NetrcEntry[] {
  const entries: { machine: string | undefined; login: string; password: string }[] = [];
  const list = words(text);
  for (let i = 0; i < list.length; i++) {
    const word = list[i];
    const entry = entries.at(-1);
    if (word === "default") entries.push({ machine: undefined, login: "", password: "" });
    else if (word === "machine") entries.push({ machine: list[++i], login: "", password: "" });
    else if (word === "login" && entry !== undefined) entry.login = list[++i] ?? "";
    else if (word === "password" && entry !== undefined) entry.password = list[++i] ?? "";
    else if (word === "account") i++;
  }
  return entries;
}

/** The first entry of the host, or the default. */
export function netrcFor(entries: readonly NetrcEntry[], host: string): NetrcEntry | undefined {
  return entries.find(
    ({ machine }) => machine === undefined || machine.toLowerCase() === host.toLowerCase(),
  );
}
