/** Media endpoints of a session description, told to the registry. RFC 8866 5.7, 5.14; RFC 3605, 5761. */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import type { MediaDescription, SessionDescription } from "../../../codecs/sdp/message.ts";
import type { MediaRegistry } from "../dissector.ts";

export function announceMedia(
  session: SessionDescription,
  registry: MediaRegistry,
  setupFrame: number,
): void {
  for (const media of session.media) {
    if (media.port === 0 || !/\bRTP\b/i.test(media.proto)) continue;
    const connections = media.connections.length > 0 ? media.connections : [session.connection];
    for (const connection of connections) {
      const address = connection === undefined ? undefined : canonical(connection.address);
      if (address === undefined) continue;
      const count = Math.min(media.portCount ?? 1, 16);
      for (let n = 0; n < count; n++) {
        registry.announce(address, media.port + n * 2, { protocol: "rtp", setupFrame });
        registry.announce(address, rtcpPort(media) ?? media.port + n * 2 + 1, {
          protocol: "rtcp",
          setupFrame,
        });
      }
    }
  }
}

/** RFC 3605: `a=rtcp:53020`. */
function rtcpPort(media: MediaDescription): number | undefined {
  const value = media.attributes.find((a) => a.name === "rtcp")?.value;
  const port = value === undefined ? Number.NaN : Number.parseInt(value, 10);
  // The same port for both (RFC 5761): what arrives there tells itself.
  return port > 0 && port < 65_536 && port !== media.port ? port : undefined;
}

/** Canonical text of an address without its `/ttl`; names and the unspecified address announce nothing. */
function canonical(text: string): string | undefined {
  const plain = text.split("/")[0] as string;
  const v4 = parseIpv4(plain);
  if (v4 !== undefined) return v4.every((b) => b === 0) ? undefined : formatIpv4(v4);
  const v6 = parseIpv6(plain);
  return v6 === undefined || v6.every((b) => b === 0) ? undefined : formatIpv6(v6);
}
