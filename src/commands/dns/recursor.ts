/** `netkit dns recursor`. */
import * as Flags from "@oclif/core/flags";
import { JsonLinesCommand } from "../../command.ts";
import { many } from "../../repeated.ts";

export default class DnsRecursor extends JsonLinesCommand {
  static override summary = "A validating recursive resolver.";
  static override description =
    "Walks from the root hints (or asks forwarders), validates with DNSSEC, caches. SIGTERM finishes what is in flight, SIGHUP reads its files again and empties the cache. With --json the first line on stdout tells where it listens.";
  static override examples = [
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:0 --hints root.hints --upstream-port 5353 --json",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --forward 192.0.2.53 --forward corp.example=10.0.0.1",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --forward tls://192.0.2.53#dns.example.net",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --listen-tls 127.0.0.1:8853 --cert cert.pem --key key.pem",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --no-negative-cache --stats --cache-dump cache.json",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --auth-zone corp.example=corp.zone@192.0.2.53",
    "<%= config.bin %> dns recursor --replay capture.pcap --no-dnssec --qmin off",
    "<%= config.bin %> dns recursor --listen 127.0.0.1:5300 --lie www.example.com=192.0.2.66",
  ];
  static override flags = {
    listen: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      default: ["127.0.0.1:5300"],
      description:
        "ADDRESS:PORT for UDP and TCP; port 0 picks one, 0.0.0.0 and [::] are each address of this machine; may repeat",
    }),
    "listen-tls": Flags.string({
      ...many,
      description: "ADDRESS:PORT for DNS over TLS",
    }),
    "listen-https": Flags.string({
      ...many,
      description: "ADDRESS:PORT for DNS over HTTPS, at /dns-query",
    }),
    cert: Flags.string({ description: "certificate chain, PEM" }),
    key: Flags.string({ description: "its key, PEM" }),
    hints: Flags.string({ description: "a root hints file; without it the Internet's root" }),
    "upstream-port": Flags.integer({
      default: 53,
      min: 1,
      max: 65_535,
      description: "port of the servers that are asked",
    }),
    forward: Flags.string({
      ...many,
      description:
        "[ZONE=]ADDRESS[:PORT]: ask this resolver; tls://ADDRESS[:PORT][#NAME] over TLS; may repeat",
    }),
    "forward-ca": Flags.string({
      description:
        "certificates (PEM) that may sign those of --forward tls://; without it the system's",
    }),
    "stub-zone": Flags.string({
      ...many,
      description: "ZONE=ADDRESS[:PORT][,...]: the servers of a zone; may repeat",
    }),
    "auth-zone": Flags.string({
      ...many,
      description:
        "ZONE=FILE, ZONE=@PRIMARY[,...] or ZONE=FILE@PRIMARY: a zone kept here, from a file or by transfers; may repeat",
    }),
    "trust-anchor": Flags.string({
      description: "a file of DS or DNSKEY records; without it (and --hints) the root's keys",
    }),
    dnssec: Flags.boolean({ default: true, allowNo: true, description: "validate" }),
    "negative-cache": Flags.boolean({
      default: true,
      allowNo: true,
      description: "keep that names do not exist",
    }),
    "aggressive-nsec": Flags.boolean({
      default: true,
      allowNo: true,
      description: "answer from proved denials (RFC 8198)",
    }),
    qmin: Flags.string({
      options: ["off", "relaxed", "strict"],
      default: "relaxed",
      description: "QNAME minimisation (RFC 9156)",
    }),
    "random-case": Flags.boolean({
      default: true,
      allowNo: true,
      description: "random case in names asked (0x20)",
    }),
    "serve-stale": Flags.boolean({
      description: "answer with what has expired when servers fail (RFC 8767)",
    }),
    prefetch: Flags.boolean({
      description: "fetch anew what is asked for shortly before it expires",
    }),
    ipv6: Flags.boolean({
      default: false,
      allowNo: true,
      description: "ask servers over IPv6 too",
    }),
    "max-ttl": Flags.integer({
      default: 86_400,
      min: 0,
      description: "seconds that anything is kept",
    }),
    "cache-entries": Flags.integer({
      default: 200_000,
      min: 1,
      description: "record sets and answers that are kept",
    }),
    "forward-ecs": Flags.string({
      ...many,
      description: "zone whose servers are told the client's network (RFC 7871); may repeat",
    }),
    lie: Flags.string({
      ...many,
      description: "NAME=ADDRESS: a false answer, to show what validation is for; may repeat",
    }),
    stats: Flags.boolean({ description: "print statistics at the end" }),
    trace: Flags.boolean({ description: "print each step of each resolution as JSON" }),
    "cache-dump": Flags.string({ description: "write the cache to this file at the end" }),
    "cache-load": Flags.string({ description: "begin with a cache that was dumped" }),
    replay: Flags.string({
      description:
        "take the place of the resolver of this capture, and tell where it asks otherwise",
    }),
    json: Flags.boolean({ description: "NDJSON on stdout: listening, traces, statistics" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(DnsRecursor);
    if (flags.replay !== undefined) {
      const { replayCapture } = await import("../../dns/recursor/replay.ts");
      await replayCapture(flags.replay, flags, flags.json);
      return;
    }
    const { serve } = await import("../../dns/recursor/serve.ts");
    await serve(flags);
  }
}
