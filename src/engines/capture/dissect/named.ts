/**
 * Protocols that are named, not decoded: told by their first bytes, and by their port where the
 * bytes alone are weak. Ports: IANA Service Name and Transport Protocol Port Number Registry.
 */
import type { Packet } from "../../../codecs/link/packet.ts";
import { joined, latin1 } from "../../../codecs/reader.ts";
import { clientHello } from "../../../codecs/tls/client-hello.ts";
import { offersSrtp } from "../../../codecs/tls/dtls-hello.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  MediaRegistry,
  StreamDissector,
  StreamProtocol,
} from "../dissector.ts";
import { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";

/** Bytes of a line that is looked at for a name. */
const LINE_BYTES = 64;

/** Emits the name once; the rest of the flow needs no look. */
class NamedStream implements StreamDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly name: string;

  constructor(flow: Flow, context: DissectorContext, name: string) {
    this.flow = flow;
    this.context = context;
    this.name = name;
  }

  data(direction: Direction, _bytes: Uint8Array, _start: number, _end: number, mark: Mark): void {
    this.context.nameFlow(this.flow, direction, mark, this.name);
  }

  held(): number {
    return 0;
  }

  gap(): void {}
  end(): void {}
}

/** A client hello may be longer than a segment: its bytes are kept until it is whole, up to a limit. */
const MAX_HELLO_BYTES = 18_432;

class TlsStream implements StreamDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private hello: Uint8Array | undefined = new Uint8Array(0);

  constructor(flow: Flow, context: DissectorContext) {
    this.flow = flow;
    this.context = context;
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    if (this.hello === undefined) return;
    const all = joined(this.hello, bytes, start, end);
    const found = clientHello(all);
    if (found === "more" && all.length < MAX_HELLO_BYTES) {
      this.hello = all;
      return;
    }
    this.hello = undefined;
    this.context.nameFlow(
      this.flow,
      direction,
      mark,
      "tls",
      typeof found === "object" ? found : {},
    );
  }

  held(): number {
    return this.hello?.length ?? 0;
  }

  gap(direction: Direction, _missing: number, mark: Mark): void {
    this.end(direction, mark);
  }

  end(direction: Direction, mark: Mark): void {
    if (this.hello === undefined || this.hello.length === 0) return;
    this.hello = undefined;
    this.context.nameFlow(this.flow, direction, mark, "tls");
  }
}

/** RFC 8446 5.1: a handshake record whose first message is a hello; alerts and data in mid-stream. */
export const tls: StreamProtocol = {
  name: "tls",
  probe: (bytes, start, end) => {
    const type = bytes[start] as number;
    if (type < 20 || type > 23) return "no";
    if (end - start < 6) return "more";
    const length = ((bytes[start + 3] as number) << 8) | (bytes[start + 4] as number);
    if (
      bytes[start + 1] !== 3 ||
      (bytes[start + 2] as number) > 4 ||
      length === 0 ||
      length > 18_432
    ) {
      return "no";
    }
    if (type !== 22) return "yes";
    const message = bytes[start + 5] as number;
    return message <= 24 ? "yes" : "no";
  },
  open: (flow, context) => new TlsStream(flow, context),
};

interface Banner {
  readonly name: string;
  /** Ports of which one must be used; none: the bytes alone suffice. */
  readonly ports?: readonly number[];
  readonly line: RegExp;
}

/** Short anchored expressions on one bounded line. */
const BANNERS: readonly Banner[] = [
  { name: "ssh", line: /^SSH-[12]\.[0-9]+-/ },
  { name: "rtsp", line: /^(?:RTSP\/[12]\.0 [0-9]{3}|[A-Z_]{3,16} (?:rtsps?:\/\/[^ ]*|\*) ?)/ },
  { name: "smtp", ports: [25, 465, 587, 2525], line: /^(?:220[ -]|EHLO |HELO |MAIL FROM:)/i },
  { name: "smtp", line: /^220[ -][^\r\n]*\b(?:ESMTP|SMTP)\b/i },
  { name: "ftp", ports: [21, 2121], line: /^(?:220[ -]|USER |AUTH )/i },
  { name: "ftp", line: /^220[ -][^\r\n]*\bFTP\b/i },
  { name: "pop3", ports: [110, 995], line: /^(?:\+OK|USER |CAPA|AUTH )/i },
  {
    name: "imap",
    line: /^(?:\* (?:OK|PREAUTH|BYE) |[A-Za-z0-9]{1,8} (?:CAPABILITY|LOGIN|STARTTLS)\b)/,
  },
  {
    name: "irc",
    ports: [6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 7000],
    line: /^(?::[^ ]+ |NICK |USER |PASS |PING |CAP |NOTICE )/,
  },
];

export const bannered: StreamProtocol = {
  name: "banner",
  probe: (bytes, start, end, flow) =>
    bannerOf(bytes, start, end, flow) === undefined ? "no" : "yes",
  open: (flow, context) => new BannerStream(flow, context),
};

function bannerOf(bytes: Uint8Array, start: number, end: number, flow: Flow): string | undefined {
  const first = bytes[start] as number;
  if (first < 0x20 || first > 0x7e) return undefined;
  const line = latin1(bytes, start, Math.min(end, start + LINE_BYTES));
  for (const { name, ports, line: pattern } of BANNERS) {
    if (ports !== undefined && !ports.includes(flow.aPort) && !ports.includes(flow.bPort)) continue;
    if (pattern.test(line)) return name;
  }
  return undefined;
}

class BannerStream extends NamedStream {
  private readonly banner: { flow: Flow; context: DissectorContext };

  constructor(flow: Flow, context: DissectorContext) {
    super(flow, context, "");
    this.banner = { flow, context };
  }

  override data(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    const { flow, context } = this.banner;
    if (flow.named) return;
    const name = bannerOf(bytes, start, end, flow);
    if (name !== undefined) context.nameFlow(flow, direction, mark, name);
  }
}

/** Streams that only their port names; the content must not contradict it. */
function byPort(
  name: string,
  ports: readonly number[],
  fits: (bytes: Uint8Array, start: number, end: number) => boolean,
): StreamProtocol {
  return {
    name,
    probe: (bytes, start, end, flow) =>
      (ports.includes(flow.bPort) || ports.includes(flow.aPort)) && fits(bytes, start, end)
        ? "yes"
        : "no",
    open: (flow, context) => new NamedStream(flow, context, name),
  };
}

/** RFC 854: negotiation begins with IAC. */
export const telnet = byPort("telnet", [23], (bytes, start) => bytes[start] === 0xff);
/** RFC 1006 TPKT around Q.931: H.225.0 call signalling. */
export const h323 = byPort(
  "h323",
  [1720, 1721],
  (bytes, start) => bytes[start] === 3 && bytes[start + 1] === 0,
);

function namedDatagrams(
  name: string,
  recognises: DatagramProtocol["recognises"],
): DatagramProtocol {
  return {
    name,
    recognises,
    open: (_flow, context) => ({
      datagram: (flow, direction, bytes, start, end, mark) => {
        if (!flow.named && !recognises(bytes, start, end, flow)) return false;
        context.nameFlow(flow, direction, mark, name);
        return true;
      },
    }),
  };
}

function uses(flow: Flow, a: number, b = a): boolean {
  return flow.aPort === a || flow.bPort === a || flow.aPort === b || flow.bPort === b;
}

/** RFC 9000 17.2: a long header of a known version, or of version negotiation. */
export const quic = namedDatagrams("quic", (bytes, start, end) => {
  if (end - start < 1200 && end - start < 21) return false;
  if (((bytes[start] as number) & 0xc0) !== 0xc0) return false;
  const a = bytes[start + 1] as number;
  const b = bytes[start + 2] as number;
  const c = bytes[start + 3] as number;
  const d = bytes[start + 4] as number;
  const v1 = a === 0 && b === 0 && c === 0 && d === 1;
  const v2 = a === 0x6b && b === 0x33 && c === 0x43 && d === 0xcf;
  const draft = a === 0xff && b === 0 && c === 0 && d >= 0x14;
  return (v1 || v2 || draft) && (bytes[start + 5] as number) <= 20;
});

/** RFC 6347 4.1, RFC 9147 4: a record of DTLS 1.0 or 1.2 that fits. */
function isDtlsRecord(bytes: Uint8Array, start: number, end: number): boolean {
  const type = bytes[start] as number;
  if (end - start < 13 || type < 20 || type > 25 || bytes[start + 1] !== 0xfe) return false;
  const minor = bytes[start + 2] as number;
  const length = ((bytes[start + 11] as number) << 8) | (bytes[start + 12] as number);
  return (minor === 0xff || minor === 0xfd) && length > 0 && 13 + length <= end - start;
}

/** RFC 7983 7: SRTP, STUN and DTLS share a port; 20 to 63 are the first bytes of DTLS. */
function isDtlsByte(first: number): boolean {
  return first >= 20 && first <= 63;
}

/** Names the flow, and where its hellos agree on SRTP, announces that media share its ports. */
class DtlsDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private named = false;

  constructor(context: DissectorContext) {
    this.context = context;
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): boolean {
    const fits = this.named ? isDtlsByte(bytes[start] as number) : isDtlsRecord(bytes, start, end);
    if (!fits) return false;
    this.named = true;
    this.context.nameFlow(flow, direction, mark, "dtls");
    if (offersSrtp(bytes, start, end)) announceSrtp(flow, this.context.media, mark.frame);
    return true;
  }
}

/** RFC 5764 5.1.2: SRTP and SRTCP come on the ports of the handshake. */
function announceSrtp(flow: Flow, media: MediaRegistry, setupFrame: number): void {
  const announcement = {
    protocol: "rtp",
    setupFrame,
    secure: true,
  } as const;
  for (const [address, port] of [
    [flow.source(0), flow.aPort],
    [flow.source(1), flow.bPort],
  ] as const) {
    if (media.lookup(address, port)?.secure !== true) media.announce(address, port, announcement);
  }
}

/** As a flow's dissector does it, for a datagram whose flow nobody keeps. */
export function announceDtlsMedia(packet: Packet, media: MediaRegistry, setupFrame: number): void {
  const { bytes, start, end } = packet;
  if (!isDtlsRecord(bytes, start, end) || !offersSrtp(bytes, start, end)) return;
  const flow = new Flow();
  flow.family = packet.family;
  flow.a0 = packet.s0;
  flow.a1 = packet.s1;
  flow.a2 = packet.s2;
  flow.a3 = packet.s3;
  flow.b0 = packet.d0;
  flow.b1 = packet.d1;
  flow.b2 = packet.d2;
  flow.b3 = packet.d3;
  flow.aPort = packet.sourcePort;
  flow.bPort = packet.destinationPort;
  announceSrtp(flow, media, setupFrame);
}

export const dtls: DatagramProtocol = {
  name: "dtls",
  recognises: isDtlsRecord,
  open: (_flow, context) => new DtlsDatagrams(context),
};

/** RFC 5905 7.3. */
export const ntp = namedDatagrams(
  "ntp",
  (bytes, start, end, flow) =>
    uses(flow, 123) && end - start >= 48 && ((bytes[start] as number) & 7) !== 0,
);

/** RFC 2131 3: the magic cookie behind the BOOTP fields. */
export const dhcp = namedDatagrams(
  "dhcp",
  (bytes, start, end, flow) =>
    uses(flow, 67, 68) &&
    end - start >= 240 &&
    bytes[start + 236] === 0x63 &&
    bytes[start + 237] === 0x82 &&
    bytes[start + 238] === 0x53 &&
    bytes[start + 239] === 0x63,
);

/** RFC 8415 8: client and server ports, a known message type. */
export const dhcpv6 = namedDatagrams(
  "dhcpv6",
  (bytes, start, end, flow) =>
    uses(flow, 546, 547) &&
    end - start >= 4 &&
    (bytes[start] as number) >= 1 &&
    (bytes[start] as number) <= 13,
);

/** UPnP Device Architecture 2.0 1.2: HTTP-like text in datagrams. */
export const ssdp = namedDatagrams("ssdp", (bytes, start, end, flow) => {
  if (!uses(flow, 1900)) return false;
  const line = latin1(bytes, start, Math.min(end, start + 20));
  return line.startsWith("M-SEARCH ") || line.startsWith("NOTIFY ") || line.startsWith("HTTP/1.1 ");
});

/** RFC 1002 4.2: the DNS header with NetBIOS names. */
export const netbiosNs = namedDatagrams(
  "netbios-ns",
  (_bytes, start, end, flow) => uses(flow, 137) && end - start >= 12,
);

/** RFC 5424, RFC 3164: a priority in angle brackets. */
export const syslog = namedDatagrams(
  "syslog",
  (bytes, start, end, flow) => uses(flow, 514) && end - start > 3 && bytes[start] === 0x3c,
);

/** RFC 3411: SNMP is a BER sequence with an integer version. */
export const snmp = namedDatagrams(
  "snmp",
  (bytes, start, end, flow) => uses(flow, 161, 162) && end - start > 6 && bytes[start] === 0x30,
);

/** ITU-T H.225.0 RAS on its registered ports. */
export const h225ras = namedDatagrams(
  "h225",
  (_bytes, start, end, flow) => uses(flow, 1719, 1718) && end - start >= 3,
);
