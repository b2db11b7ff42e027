/** The JSON Schema (2020-12) of records: the one place that names every key, for --json, --fields and --filter. */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

type Properties = Readonly<Record<string, Schema>>;

const text = (description: string): Schema => ({ type: "string", description });
const int = (description: string): Schema => ({ type: "integer", description });
const num = (description: string): Schema => ({ type: "number", description });
const bool = (description: string): Schema => ({ type: "boolean", description });
const list = (items: Schema, description: string): Schema => ({
  type: "array",
  items,
  description,
});
const object = (properties: Properties, description: string): Schema => ({
  type: "object",
  properties,
  description,
});
const any = (description: string): Schema => ({ description });

/** Version of the names: a change of one is a new version. */
export const SCHEMA_VERSION = 1;

export const ENVELOPE: Properties = {
  frame: int("number of the packet that completes the message, from 1"),
  time: num("seconds since the epoch of that packet, with all digits of the capture"),
  protocol: text("which protocol the message is of; gap and unknown for what is none"),
  src: text("innermost source IP address (RFC 5952)"),
  sport: int("source port"),
  dst: text("innermost destination IP address"),
  dport: int("destination port"),
  transport: { enum: ["udp", "tcp"], description: "transport that carried it" },
  stream: int("number of the flow per transport, from 0"),
  file: text("name of the capture, when there are several"),
  bytes: int("length of the message on the wire of its own layer"),
  inIcmp: bool("true for a packet quoted by ICMP"),
  malformed: bool("true when the message could not be decoded to its end"),
  issues: list(
    object(
      {
        code: text("stable dotted name of the deviation"),
        offset: int("byte of the message at which it starts"),
        spec: text("rule that is broken"),
        message: text("the same in words"),
      },
      "one deviation",
    ),
    "what is wrong with the message",
  ),
};

const REQUIRED = [
  "frame",
  "time",
  "protocol",
  "src",
  "sport",
  "dst",
  "dport",
  "transport",
  "stream",
  "bytes",
];

const question = object(
  { name: text("presentation form, with the last dot"), type: int("QTYPE"), class: int("QCLASS") },
  "one question",
);
const rr = object(
  {
    name: text("owner"),
    type: int("TYPE"),
    class: int("CLASS"),
    ttl: int("seconds"),
    data: text("rdata in presentation form (RFC 1035 5, RFC 3597)"),
  },
  "one resource record",
);

const DNS: Properties = {
  id: int("message id"),
  qr: { enum: [0, 1], description: "0 query, 1 response" },
  opcode: int("kind of query"),
  rcode: int("response code, extended by EDNS"),
  aa: bool("authoritative answer"),
  tc: bool("truncated"),
  rd: bool("recursion desired"),
  ra: bool("recursion available"),
  ad: bool("authentic data"),
  cd: bool("checking disabled"),
  qdcount: int("questions counted in the header"),
  ancount: int("answers counted in the header"),
  nscount: int("authority records counted in the header"),
  arcount: int("additional records counted in the header"),
  questions: list(question, "question section"),
  answers: list(rr, "answer section"),
  authority: list(rr, "authority section"),
  additional: list(rr, "additional section, without OPT"),
  edns: object(
    {
      udpSize: int("requestor's UDP payload size"),
      version: int("EDNS version"),
      do: bool("DNSSEC OK"),
      options: list(
        object({ code: int("option code"), data: text("option data in hex") }, "one option"),
        "options",
      ),
    },
    "OPT record (RFC 6891)",
  ),
  requestFrame: int("frame of the query"),
  latency: num("seconds since the query"),
};

const pairs = (description: string): Schema =>
  list({ type: "array", prefixItems: [text("name"), text("value")] }, description);

const HTTP: Properties = {
  kind: { enum: ["request", "response"], description: "which of the two" },
  method: text("request method"),
  uri: text("request target as sent"),
  requestVersion: text("e.g. HTTP/1.1"),
  host: text("Host field"),
  status: int("status code"),
  responseVersion: text("e.g. HTTP/1.1"),
  phrase: text("reason phrase"),
  headers: pairs("fields in order as sent"),
  contentType: text("Content-Type field"),
  contentLength: int("Content-Length field"),
  transferEncoding: text("Transfer-Encoding field"),
  contentEncoding: text("Content-Encoding field"),
  location: text("Location field"),
  bodyBytes: int("body after de-chunking, before content-decoding"),
  trailers: pairs("trailer fields"),
  tracker: any("announce or scrape of a BitTorrent tracker"),
  requestIn: int("frame of the request"),
  latency: num("seconds from the complete request to the first response byte"),
  duration: num("seconds from the complete request to the last response byte"),
};

const SIP: Properties = {
  kind: { enum: ["request", "response"], description: "which of the two" },
  method: text("request method"),
  ruri: text("request URI"),
  status: int("status code"),
  reason: text("reason phrase"),
  callId: text("Call-ID"),
  cseq: int("CSeq number"),
  cseqMethod: text("CSeq method"),
  from: text("From URI without <> and parameters"),
  fromTag: text("From tag"),
  to: text("To URI without <> and parameters"),
  toTag: text("To tag"),
  viaBranches: list(text("branch"), "branches of the Via fields, top first"),
  contact: text("URI of the first Contact"),
  contentType: text("Content-Type"),
  contentLength: int("Content-Length"),
  expires: int("Expires, seconds"),
  event: text("Event"),
  headers: pairs("fields in order as sent"),
  requestIn: int("frame of the request"),
  latency: num("seconds since the request"),
};

const SDP: Properties = {
  origin: text("o= line"),
  session: text("s= line"),
  connections: list(text("address"), "addresses of c= lines"),
  media: list(
    object(
      {
        media: text("audio, video ..."),
        port: int("port"),
        proto: text("e.g. RTP/AVP"),
        formats: list(text("format"), "formats"),
      },
      "one m= line",
    ),
    "media descriptions",
  ),
  rtpmap: list(
    { type: "array", prefixItems: [text("encoding"), int("clock rate")] },
    "a=rtpmap lines",
  ),
  attributes: list(text("name:value"), "a= lines"),
};

const RTP: Properties = {
  ssrc: int("synchronisation source"),
  seq: int("sequence number"),
  timestamp: int("media timestamp"),
  pt: int("payload type"),
  marker: bool("marker bit"),
  payloadBytes: int("payload without header, extension and padding"),
};

const RTCP: Properties = {
  pt: int("packet type"),
  ssrc: int("sender"),
  reports: any("report blocks"),
  ntpSeconds: int("wall clock of a sender report: seconds since 1900"),
  ntpFraction: int("wall clock of a sender report: 2^-32 seconds"),
  rtpTimestamp: int("the same moment on the RTP clock"),
  packetCount: int("packets sent so far"),
  octetCount: int("payload octets sent so far"),
  chunks: any("source descriptions"),
  sources: list(int("source"), "sources that leave"),
  reason: text("reason for leaving"),
  subtype: int("subtype of an application packet"),
  name: text("name of an application packet"),
  format: int("feedback message type"),
  mediaSsrc: int("source that feedback is about"),
  fci: text("feedback control information in hex"),
  blocks: any("extended report blocks"),
  count: int("count field of an unknown packet type"),
  data: text("contents in hex"),
};

const STUN: Properties = {
  kind: { enum: ["message", "channel_data"], description: "message or TURN channel data" },
  type: int("message type"),
  method: any("method"),
  class: any("class"),
  txid: text("transaction id in hex: 24 digits, 32 for RFC 3489"),
  attributes: list(int("type"), "attribute types in order"),
  values: any("typed values of known attributes"),
  channel: int("channel number"),
  length: int("length field"),
};

const BITTORRENT: Properties = {
  msg: text("handshake, keep_alive, choke, ... extended"),
  index: int("piece index"),
  begin: int("offset in the piece"),
  length: int("bytes of the block, or the message's length"),
  infoHash: text("info-hash in hex, as sent"),
  peerId: text("peer id in hex"),
  reserved: text("reserved bytes in hex"),
  port: int("DHT port"),
  extension: text("name of the extension, from the handshake"),
  extendedId: int("extended message id"),
  dict: any("bencoded payload"),
  carrier: { enum: ["tcp", "utp"], description: "what carried it" },
};

export const PROTOCOL_KEYS: Readonly<Record<string, Properties>> = {
  dns: DNS,
  mdns: DNS,
  llmnr: DNS,
  http: HTTP,
  sip: SIP,
  sdp: SDP,
  rtp: RTP,
  rtcp: RTCP,
  srtcp: { pt: int("packet type"), ssrc: int("sender") },
  stun: STUN,
  bittorrent: BITTORRENT,
  "bt-dht": {
    y: text("q, r or e"),
    q: text("query name"),
    t: text("transaction id"),
    dict: any("the message"),
    strings: any("all byte strings in the order of the wire"),
  },
  "bt-utp": {
    type: any("packet type"),
    connectionId: int("connection id"),
    seq: int("sequence number"),
    ack: int("acknowledgment number"),
    window: int("advertised window"),
    extensions: any("extension headers"),
    payloadBytes: int("payload bytes after the headers"),
  },
  "bt-tracker": {
    action: any("connect, announce, scrape, error"),
    transactionId: any("transaction id"),
    connectionId: text("connection id in hex"),
    infoHash: any("info-hash in hex"),
    infoHashes: list(text("info-hash in hex"), "info-hashes of a scrape"),
    peerId: text("peer id in hex"),
    downloaded: int("bytes downloaded so far"),
    left: int("bytes that are missing still"),
    uploaded: int("bytes uploaded so far"),
    event: any("none, completed, started, stopped"),
    ip: any("address that the client wants to be known by; 0 the sender's"),
    key: any("key of the client"),
    numWant: int("peers wanted; -1 as many as the tracker likes"),
    port: int("port on which the client listens"),
    options: any("BEP 41 options"),
    message: text("the tracker's error"),
    entries: any("seeders, completed and leechers per info-hash of a scrape"),
    requestFrame: int("frame of the request that is answered"),
    latency: { type: "number", description: "seconds since the request" },
    interval: int("seconds until the next announce"),
    seeders: int("seeders"),
    leechers: int("leechers"),
    peers: any("peers"),
  },
  tls: {
    sni: text("server name"),
    alpn: list(text("protocol"), "protocols offered"),
    version: text("highest version offered"),
  },
  gap: { missingBytes: int("bytes of the stream that the capture does not hold") },
  unknown: {},
};

/** The schema of one line of `netkit decode --json`. */
export function recordSchema(): object {
  const known = Object.keys(PROTOCOL_KEYS);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:netkit:record:${SCHEMA_VERSION}`,
    title: "netkit record",
    description: "One line of `netkit decode --json`; other protocol names have the envelope only",
    oneOf: [
      ...known.map((name) => ({ $ref: `#/$defs/${name}` })),
      { $ref: "#/$defs/named" },
      { $ref: "#/$defs/account" },
    ],
    $defs: {
      ...Object.fromEntries(
        known.map((name) => [name, recordOf({ const: name }, PROTOCOL_KEYS[name] as Properties)]),
      ),
      named: recordOf({ type: "string", not: { enum: known } }, {}),
      account: {
        type: "object",
        properties: { account: { type: "object" } },
        required: ["account"],
        additionalProperties: false,
      },
    },
  };
}

function recordOf(protocol: object, keys: Properties): object {
  return {
    type: "object",
    properties: { ...ENVELOPE, protocol, ...keys },
    required: REQUIRED,
    additionalProperties: false,
  };
}
