/** The flags of `netkit dns resolve`. */
import * as Flags from "@oclif/core/flags";

export const resolveFlags = {
  file: Flags.string({
    char: "f",
    description:
      "lines of NAME [TYPE...], # begins a comment (- for standard input); one that is bad is told, and exits 3 when all else is done",
  }),
  mode: Flags.string({
    description:
      "who walks: a server that is asked (stub), this client from the root (iterative), one server that walks for us (hybrid: the @server, or the first of the configuration), or each server the next (recursive: the @server first, or the root)",
    options: ["stub", "iterative", "hybrid", "recursive"],
    default: "stub",
  }),
  hints: Flags.string({ description: "root hints file; without it the Internet's root" }),
  port: Flags.integer({
    description: "port of the servers that hints and referrals name",
    default: 53,
    min: 1,
    max: 65_535,
  }),
  validate: Flags.boolean({
    description:
      "validate what the server says over UDP, TCP, TLS or HTTPS, trusting only the trust anchor (RFC 4035)",
  }),
  "trust-anchor": Flags.string({
    description: "file of DS or DNSKEY records; without it (and --hints) the root's keys",
  }),
  compare: Flags.boolean({
    description: "iterative, hybrid and recursive beside each other, cold and warm",
  }),
  "compare-servers": Flags.boolean({
    description: "where the answers of all @servers differ; exits 1 when they do",
  }),
  short: Flags.boolean({ description: "only the data, a line each" }),
  json: Flags.boolean({ description: "NDJSON: one object an answer" }),
  trace: Flags.boolean({ description: "each step, as it happens" }),
  tcp: Flags.boolean({ description: "TCP at once, not only when an answer is cut short" }),
  ignore: Flags.boolean({ description: "take an answer that is cut short (TC) as it is" }),
  timeout: Flags.integer({
    description:
      "milliseconds for the first try; doubled each round; over TCP and TLS for the connection, and again for the answer; with --mode iterative and --validate for the whole walk",
    min: 1,
  }),
  tries: Flags.integer({ description: "rounds over all servers", min: 1, max: 20 }),
  "same-id": Flags.boolean({ description: "one identifier for all tries" }),
  rd: Flags.boolean({ description: "ask for recursion", default: true, allowNo: true }),
  cd: Flags.boolean({ description: "checking disabled: take what does not validate" }),
  class: Flags.string({ description: "class of the question", default: "IN" }),
  opcode: Flags.string({
    description: "opcode of the message: QUERY, STATUS, NOTIFY ... or its number",
    default: "QUERY",
  }),
  edns: Flags.boolean({ description: "send EDNS", default: true, allowNo: true }),
  bufsize: Flags.integer({
    description: "octets of UDP that are welcome",
    min: 0,
    max: 65_535,
    default: 1232,
  }),
  dnssec: Flags.boolean({ description: "ask for signatures (DO)" }),
  nsid: Flags.boolean({ description: "ask who answers (RFC 5001)" }),
  cookie: Flags.boolean({ description: "send a cookie (RFC 7873)", default: true, allowNo: true }),
  ecs: Flags.string({ description: "tell this client subnet: ADDRESS/PREFIX (RFC 7871)" }),
  padding: Flags.boolean({ description: "pad to a multiple of 128 octets (RFC 8467)" }),
  "tls-name": Flags.string({ description: "name that the certificate must have" }),
  "tls-ca": Flags.string({ description: "file of certificates (PEM) that are trusted" }),
  pin: Flags.string({
    description: "base64 SHA-256 of the server's key (RFC 7858 4.2)",
    multiple: true,
    multipleNonGreedy: true,
  }),
  insecure: Flags.boolean({ description: "take any certificate" }),
  tsig: Flags.string({
    description:
      "[ALGORITHM:]NAME:BASE64: the key that signs questions and transfers, and that answers must be signed with (RFC 8945)",
  }),
  hosts: Flags.string({ description: "hosts file, also where a server is named" }),
  "resolv-conf": Flags.string({ description: "configuration", default: "/etc/resolv.conf" }),
  concurrency: Flags.integer({ description: "questions at once", default: 10, min: 1, max: 1000 }),
};
