/** Session descriptions from bytes: lines in a fixed order. RFC 8866 5 and 9. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { latin1, strictUtf8 } from "../reader.ts";
import type {
  Attribute,
  Bandwidth,
  Connection,
  MediaDescription,
  Origin,
  SessionDescription,
  Timing,
} from "./message.ts";

/** Lines of one description: a limit of our own. */
const MAX_LINES = 4096;
/** RFC 8866 5: the order of the lines of a session, and of a media description. */
const SESSION_ORDER = "vosiuepcbtrzka";
const MEDIA_ORDER = "micbka";

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

interface Line {
  readonly type: string;
  readonly value: string;
  readonly offset: number;
}

class Walk {
  private readonly options: DecodeOptions;
  readonly media: Writable<MediaDescription>[] = [];
  readonly session: {
    origin?: Origin;
    name?: string;
    information?: string;
    uri?: string;
    emails: string[];
    phones: string[];
    connection?: Connection;
    bandwidths: Bandwidth[];
    timings: Writable<Timing>[];
    zones?: string;
    key?: string;
    attributes: Attribute[];
  } = { emails: [], phones: [], bandwidths: [], timings: [], attributes: [] };
  private place = -1;

  constructor(options: DecodeOptions) {
    this.options = options;
  }

  deviate(code: string, offset: number, spec: string, message: string): void {
    if (this.options.tolerate === undefined) throw new DecodeError(code, offset, spec, message);
    this.options.tolerate({ code, offset, spec, message });
  }

  line(line: Line): void {
    if (line.type === "m") {
      this.place = 0;
      this.mediaLine(line);
      return;
    }
    const inMedia = this.media.length > 0;
    const order = inMedia ? MEDIA_ORDER : SESSION_ORDER;
    const place = order.indexOf(line.type);
    if (place < 0) {
      this.deviate(
        "sdp.line.type",
        line.offset,
        "RFC 8866 5",
        `a line of type ${line.type}= does not belong here`,
      );
      return;
    }
    // `r=` belongs to the `t=` before it, and both may come again.
    if (place < this.place && !(line.type === "t" && this.place === order.indexOf("r"))) {
      this.deviate("sdp.line.order", line.offset, "RFC 8866 5", `${line.type}= comes too late`);
    }
    this.place = Math.max(this.place, place);
    if (line.type === "t") this.place = place;
    if (inMedia) this.mediaPart(line, this.media.at(-1) as Writable<MediaDescription>);
    else this.sessionPart(line);
  }

  private sessionPart(line: Line): void {
    const { session } = this;
    const { value } = line;
    switch (line.type) {
      case "v":
        if (value.trim() !== "0")
          this.deviate("sdp.version", line.offset, "RFC 8866 5.1", "the version is not 0");
        break;
      case "o":
        this.once(line, session.origin === undefined);
        session.origin = this.origin(line) ?? session.origin ?? NO_ORIGIN;
        break;
      case "s":
        this.once(line, session.name === undefined);
        session.name = value;
        break;
      case "i":
        session.information = value;
        break;
      case "u":
        session.uri = value;
        break;
      case "e":
        session.emails.push(value);
        break;
      case "p":
        session.phones.push(value);
        break;
      case "c": {
        const connection = this.connection(line);
        if (connection !== undefined) session.connection = connection;
        break;
      }
      case "t":
        this.timing(line);
        break;
      case "r": {
        const last = session.timings.at(-1);
        if (last === undefined)
          this.deviate("sdp.repeat", line.offset, "RFC 8866 5.10", "r= without t=");
        else last.repeats.push(value);
        break;
      }
      case "z":
        session.zones = value;
        break;
      default:
        this.common(line, session);
    }
  }

  private once(line: Line, first: boolean): void {
    if (!first)
      this.deviate("sdp.line.repeated", line.offset, "RFC 8866 5", `${line.type}= stands twice`);
  }

  private mediaPart(line: Line, media: Writable<MediaDescription>): void {
    if (line.type === "i") {
      media.information = line.value;
    } else if (line.type === "c") {
      const connection = this.connection(line);
      if (connection !== undefined) media.connections.push(connection);
    } else {
      this.common(line, media);
    }
  }

  /** Lines that both kinds of description have. */
  private common(
    line: Line,
    into: { bandwidths: Bandwidth[]; key?: string; attributes: Attribute[] },
  ): void {
    const { value } = line;
    if (line.type === "k") {
      into.key = value;
    } else if (line.type === "b") {
      const parts = /^([^: ]+):([0-9]{1,15})$/.exec(value.trim());
      if (parts === null)
        this.deviate("sdp.bandwidth", line.offset, "RFC 8866 5.8", "not type:number");
      else into.bandwidths.push({ type: parts[1] as string, bandwidth: Number(parts[2]) });
    } else {
      const colon = value.indexOf(":");
      const name = colon < 0 ? value : value.slice(0, colon);
      if (name === "" || /[\s]/.test(name)) {
        this.deviate(
          "sdp.attribute",
          line.offset,
          "RFC 8866 5.13",
          "an attribute without a name, or with blanks in it",
        );
      }
      into.attributes.push(colon < 0 ? { name } : { name, value: value.slice(colon + 1) });
    }
  }

  private words(line: Line, count: number, code: string, spec: string): string[] | undefined {
    const words = line.value.split(" ").filter((word) => word !== "");
    if (words.length === count && line.value === words.join(" ")) return words;
    this.deviate(
      code,
      line.offset,
      spec,
      `${line.type}= needs ${count} words with one space between`,
    );
    return words.length >= count ? words : undefined;
  }

  private origin(line: Line): Origin | undefined {
    const words = this.words(line, 6, "sdp.origin", "RFC 8866 5.2");
    if (words === undefined) return undefined;
    const [username, sessionId, sessionVersion, netType, addrType, address] = words as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    if (!/^[0-9]+$/.test(sessionId) || !/^[0-9]+$/.test(sessionVersion)) {
      this.deviate(
        "sdp.origin.number",
        line.offset,
        "RFC 8866 5.2",
        "the session's id or version is no number",
      );
    }
    return { username, sessionId, sessionVersion, netType, addrType, address };
  }

  private connection(line: Line): Connection | undefined {
    const words = this.words(line, 3, "sdp.connection", "RFC 8866 5.7");
    if (words === undefined) return undefined;
    const [netType, addrType, address] = words as [string, string, string];
    return { netType, addrType, address };
  }

  private timing(line: Line): void {
    const words = this.words(line, 2, "sdp.timing", "RFC 8866 5.9");
    if (words === undefined) return;
    const [start, stop] = words as [string, string];
    if (!/^[0-9]+$/.test(start) || !/^[0-9]+$/.test(stop)) {
      this.deviate("sdp.timing.number", line.offset, "RFC 8866 5.9", "a time is no number");
    }
    this.session.timings.push({ start, stop, repeats: [] });
  }

  /** `m=<media> <port>[/<count>] <proto> <fmt> ...` */
  private mediaLine(line: Line): void {
    const words = line.value.split(" ").filter((word) => word !== "");
    const [media = "", port = "", proto = "", ...formats] = words;
    const ports = /^([0-9]{1,5})(?:\/([0-9]{1,5}))?$/.exec(port);
    if (
      ports === null ||
      Number(ports[1]) > 65_535 ||
      formats.length === 0 ||
      line.value !== words.join(" ")
    ) {
      this.deviate(
        "sdp.media",
        line.offset,
        "RFC 8866 5.14",
        "not media, port, protocol and formats",
      );
    }
    const description: Writable<MediaDescription> = {
      media,
      port: ports === null ? 0 : Math.min(Number(ports[1]), 65_535),
      proto,
      formats,
      connections: [],
      bandwidths: [],
      attributes: [],
    };
    if (ports?.[2] !== undefined) description.portCount = Number(ports[2]);
    this.media.push(description);
  }

  finish(end: number): SessionDescription {
    const { session } = this;
    const { origin, name } = session;
    if (origin === undefined)
      this.deviate("sdp.origin.missing", end, "RFC 8866 5.2", "there is no o= line");
    if (name === undefined)
      this.deviate("sdp.name.missing", end, "RFC 8866 5.3", "there is no s= line");
    if (session.timings.length === 0)
      this.deviate("sdp.timing.missing", end, "RFC 8866 5.9", "there is no t= line");
    const connected =
      session.connection !== undefined || this.media.every((m) => m.connections.length > 0);
    if (!connected && this.media.length > 0) {
      this.deviate(
        "sdp.connection.missing",
        end,
        "RFC 8866 5.7",
        "a media description has no c= line",
      );
    }
    return { ...session, origin: origin ?? NO_ORIGIN, name: name ?? "", media: this.media };
  }
}

const NO_ORIGIN: Origin = {
  username: "-",
  sessionId: "0",
  sessionVersion: "0",
  netType: "IN",
  addrType: "IP4",
  address: "0.0.0.0",
};

/**
 * One session description.
 * @throws DecodeError
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): SessionDescription {
  const walk = new Walk(options);
  const text = strictUtf8(bytes, 0, bytes.length);
  if (text === undefined) walk.deviate("sdp.text.utf8", 0, "RFC 8866 5", "not UTF-8");
  // ASCII: each octet is a character of the text.
  const plain = text?.length === bytes.length ? text : undefined;
  let at = 0;
  let lines = 0;
  while (at < bytes.length) {
    let lf = bytes.indexOf(0x0a, at);
    if (lf < 0) {
      walk.deviate("sdp.line.unended", at, "RFC 8866 5", "the last line has no end");
      lf = bytes.length;
    }
    const end = lf > at && bytes[lf - 1] === 0x0d ? lf - 1 : lf;
    if (++lines > MAX_LINES) {
      throw new DecodeError("sdp.line.count", at, "RFC 8866 5", `more than ${MAX_LINES} lines`);
    }
    if (end > at) oneLine(walk, bytes, plain, at, end, lines);
    else if (lf + 1 < bytes.length)
      walk.deviate("sdp.line.empty", at, "RFC 8866 5", "an empty line");
    at = lf + 1;
  }
  if (lines === 0) throw new DecodeError("sdp.empty", 0, "RFC 8866 5", "no session description");
  return walk.finish(bytes.length);
}

function oneLine(
  walk: Walk,
  bytes: Uint8Array,
  plain: string | undefined,
  at: number,
  end: number,
  number: number,
): void {
  if (end - at < 2 || bytes[at + 1] !== 0x3d) {
    walk.deviate("sdp.line.form", at, "RFC 8866 5", "a line that is not <type>=<value>");
    return;
  }
  const type = String.fromCharCode(bytes[at] as number);
  if (number === 1 && type !== "v")
    walk.deviate("sdp.version.missing", at, "RFC 8866 5.1", "the first line is not v=");
  const value =
    plain?.slice(at + 2, end) ?? strictUtf8(bytes, at + 2, end) ?? latin1(bytes, at + 2, end);
  walk.line({ type, value, offset: at });
}
