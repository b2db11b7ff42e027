/** Variables of ESI: what the client's request says. ESI 1.0, 4.1 to 4.3. */
import type { Field } from "../../../../codecs/http/message.ts";
import { joinedField, listMembers } from "../../fields.ts";

/** `$(NAME)`, `$(NAME{key})`, `$(NAME|default)`, `$(NAME{key}|'default')`. */
const REFERENCE = /\$\(([A-Z_]+)(?:\{([^{}()]{1,200})\})?(?:\|(?:'([^']*)'|([^'()|\s]*)))?\)/g;

export class Variables {
  private readonly fields: readonly Field[];
  private readonly host: string;
  private readonly query: string;

  constructor(fields: readonly Field[], host: string, target: string) {
    this.fields = fields;
    this.host = host;
    const mark = target.indexOf("?");
    this.query = mark < 0 ? "" : target.slice(mark + 1);
  }

  /** The text with each variable in it replaced; one that is not known, and has no default, is empty. */
  expand(text: string, written: (value: string, isQuery: boolean) => string): string {
    return text.replace(
      REFERENCE,
      (_, name: string, key: string | undefined, quoted?: string, bare?: string) => {
        const value = this.value(name, key);
        // A default is the page's own text.
        if (value === undefined || value === "") return quoted ?? bare ?? "";
        return written(value, name === "QUERY_STRING" && key === undefined);
      },
    );
  }

  /** Undefined: the request does not say. */
  value(name: string, key: string | undefined): string | undefined {
    switch (name) {
      case "HTTP_HOST":
        return key === undefined ? this.host : undefined;
      case "HTTP_REFERER":
        return key === undefined ? this.header("referer") : undefined;
      case "HTTP_COOKIE":
        return key === undefined ? this.header("cookie") : this.cookie(key);
      case "HTTP_ACCEPT_LANGUAGE":
        return key === undefined ? this.header("accept-language") : String(this.speaks(key));
      case "HTTP_USER_AGENT":
        return key === undefined ? this.header("user-agent") : this.agent(key);
      case "QUERY_STRING":
        return key === undefined ? this.query : this.parameter(key);
      default:
        return undefined;
    }
  }

  private header(name: string): string | undefined {
    return joinedField(this.fields, name);
  }

  private cookie(name: string): string | undefined {
    // RFC 6265 4.2.1
    for (const pair of this.header("cookie")?.split(";") ?? []) {
      const at = pair.indexOf("=");
      if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
    }
    return undefined;
  }

  /** RFC 9110 12.5.4 */
  private speaks(language: string): boolean {
    return listMembers(this.header("accept-language")).some((member) => {
      const [range = "", ...parameters] = member.toLowerCase().split(";");
      const refused = parameters.some((one) => /^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(one));
      return range.trim() === language.toLowerCase() && !refused;
    });
  }

  private agent(part: string): string | undefined {
    const text = this.header("user-agent");
    if (text === undefined) return undefined;
    const explorer = /MSIE ([0-9.]+)/.exec(text);
    const mozilla = /^Mozilla\/([0-9.]+)/.exec(text);
    if (part === "browser") {
      return explorer !== null ? "MSIE" : mozilla !== null ? "MOZILLA" : "OTHER";
    }
    if (part === "version") return explorer?.[1] ?? mozilla?.[1] ?? /\/([0-9.]+)/.exec(text)?.[1];
    if (part === "os")
      return /Windows/.test(text)
        ? "WIN"
        : /Mac/.test(text)
          ? "MAC"
          : /X11|Linux/.test(text)
            ? "UNIX"
            : "OTHER";
    return undefined;
  }

  /** Percent-encoding and `+` undone, an octet a character. */
  private parameter(name: string): string | undefined {
    for (const pair of this.query.split("&")) {
      const at = pair.indexOf("=");
      if (decoded(at < 0 ? pair : pair.slice(0, at)) === name) {
        return at < 0 ? "" : decoded(pair.slice(at + 1));
      }
    }
    return undefined;
  }
}

function decoded(text: string): string {
  return text
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** A value in a page: it brings no tags, and ends no attribute. */
export function inHtml(value: string): string {
  return value.replace(/[&<>"'`]/g, (c) => `&#${c.charCodeAt(0)};`);
}

/**
 * A value in a URL: data of one segment of its path or of one parameter (RFC 3986 2.2), so that it
 * leads nowhere else. The whole query is encoded already, and stays what it is.
 */
export function inUrl(value: string, isQuery: boolean): string {
  // RFC 3986 5.2.4: these would take a segment away.
  if (value === "." || value === "..") return "";
  const foreign = isQuery ? /[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/g : /[^A-Za-z0-9\-._~]/g;
  return value.replace(
    foreign,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
