/** Records of session descriptions: the body keys that the analyser prints. */
import type { Attribute, SessionDescription } from "./message.ts";
import { rtpMaps } from "./message.ts";

export function record(session: SessionDescription): Record<string, unknown> {
  const { origin: o } = session;
  const connections = [session.connection, ...session.media.flatMap((m) => m.connections)]
    .filter((c) => c !== undefined)
    .map((c) => c.address);
  const attributes = [...session.attributes, ...session.media.flatMap((m) => m.attributes)];
  return {
    origin: `${o.username} ${o.sessionId} ${o.sessionVersion} ${o.netType} ${o.addrType} ${o.address}`,
    session: session.name,
    connections,
    media: session.media.map(({ media, port, proto, formats }) => ({
      media,
      port,
      proto,
      formats,
    })),
    rtpmap: session.media.flatMap((m) =>
      rtpMaps(m).map(({ encoding, clockRate }) => [encoding, clockRate]),
    ),
    attributes: attributes.map(attributeText),
  };
}

function attributeText({ name, value }: Attribute): string {
  return value === undefined ? name : `${name}:${value}`;
}
