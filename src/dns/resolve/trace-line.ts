/** A step of a walk from the root, as one line of `--trace`. */
import { typeName } from "../../codecs/dns/index.ts";
import type { TraceEvent } from "../../engines/dns/resolver/trace.ts";
import { rcodeName } from "../../render/dns-names.ts";

export function traceLine(event: TraceEvent): string {
  switch (event.kind) {
    case "query": {
      const { server, zone, name, type, tcp, minimised } = event;
      const how = `${tcp ? " over TCP" : ""}${minimised ? " (minimised)" : ""}`;
      return `; ? ${name} ${typeName(type)} to ${server.addr}#${server.port} for ${zone}${how}`;
    }
    case "reply": {
      const { server, verdict, rcode, rttMs, to, glue, dropped } = event;
      const parts = [
        verdict,
        ...(to === undefined ? [] : [`to ${to}`]),
        ...(glue === undefined || glue === 0 ? [] : [`with ${glue} glue`]),
        ...(rcode === undefined || rcode === 0 ? [] : [rcodeName(rcode)]),
        ...(dropped === undefined || dropped === 0
          ? []
          : [`${dropped} records out of bailiwick dropped`]),
        ...(rttMs === undefined ? [] : [`${rttMs.toFixed(1)} ms`]),
      ];
      return `;   ${server.addr}#${server.port}: ${parts.join(", ")}`;
    }
    case "cache":
      return `;   ${event.name} ${typeName(event.type)}: from the cache${event.stale ? ", stale" : ""}`;
    case "synthesised":
      return `;   ${event.name} ${typeName(event.type)}: denied by what was proved before (RFC 8198)`;
    case "alias":
      return `;   ${event.from} is an alias of ${event.to}`;
    case "target":
      return `;   address of the server ${event.name} of ${event.zone} is looked up`;
    case "security":
      return `;   ${event.name} ${typeName(event.type)}: ${event.state}${event.reason === undefined ? "" : ` (${event.reason})`}`;
    case "limit":
      return `;   given up: ${event.what}`;
  }
}
