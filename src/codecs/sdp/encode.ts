/** Session descriptions from objects to bytes. RFC 8866 5. */
import { EncodeError } from "../errors.ts";
import { utf8Bytes } from "../writer.ts";
import type { Attribute, Bandwidth, Connection, SessionDescription } from "./message.ts";

/** The octets of a description, lines in the order of RFC 8866 5. @throws EncodeError */
export function encode(session: SessionDescription): Uint8Array {
  const lines: string[] = [];
  const put = (type: string, value: string | undefined) => {
    if (value === undefined) return;
    if (value.includes("\n") || value.includes("\r")) {
      throw new EncodeError("sdp.line", "RFC 8866 5", `the value of ${type}= has a line end`);
    }
    lines.push(`${type}=${value}\r\n`);
  };
  const shared = (
    part: { bandwidths: readonly Bandwidth[]; key?: string; attributes: readonly Attribute[] },
    after?: () => void,
  ) => {
    for (const { type, bandwidth } of part.bandwidths) put("b", `${type}:${bandwidth}`);
    after?.();
    put("k", part.key);
    for (const { name, value } of part.attributes)
      put("a", value === undefined ? name : `${name}:${value}`);
  };
  const { origin: o } = session;
  put("v", "0");
  put(
    "o",
    `${o.username} ${o.sessionId} ${o.sessionVersion} ${o.netType} ${o.addrType} ${o.address}`,
  );
  put("s", session.name);
  put("i", session.information);
  put("u", session.uri);
  for (const email of session.emails) put("e", email);
  for (const phone of session.phones) put("p", phone);
  put("c", connection(session.connection));
  shared(session, () => {
    for (const { start, stop, repeats } of session.timings) {
      put("t", `${start} ${stop}`);
      for (const repeat of repeats) put("r", repeat);
    }
    put("z", session.zones);
  });
  for (const media of session.media) {
    const count = media.portCount === undefined ? "" : `/${media.portCount}`;
    put("m", `${media.media} ${media.port}${count} ${[media.proto, ...media.formats].join(" ")}`);
    put("i", media.information);
    for (const each of media.connections) put("c", connection(each));
    shared(media);
  }
  return utf8Bytes(lines.join(""));
}

function connection(value: Connection | undefined): string | undefined {
  return value === undefined ? undefined : `${value.netType} ${value.addrType} ${value.address}`;
}
