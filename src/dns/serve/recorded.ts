/** `netkit dns serve --capture`: answers as the servers of a capture gave them, a mock for tests. */
import { readMessage, typeName } from "../../codecs/dns/index.ts";
import { canonicalText } from "../../codecs/dns/name.ts";
import type { DnsService } from "../../engines/dns/listener.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { loadRecordings } from "../../replay/recordings.ts";
import { listenAddresses } from "../recursor/options.ts";
import { announce, listen, stopSignal } from "./listen.ts";

const DEFAULT_PLACE = "127.0.0.1:5300";
const REFUSED = 5;
const QR = 0x80;
const TC = 0x02;
/** RFC 1035 4.2.1, 4.1.1. */
const PLAIN_UDP_BYTES = 512;
const HEADER_BYTES = 12;

/** Runs until SIGTERM or SIGINT. @throws CommandError when the capture has no answers */
export async function serveRecorded(
  path: string,
  zones: readonly string[],
  flags: Omit<Parameters<typeof listenAddresses>[0], "listen" | "listen-https"> & {
    readonly listen?: readonly string[] | undefined;
    readonly json: boolean;
  },
): Promise<void> {
  if (zones.length > 0) throw new CommandError("dns serve: zones or --capture, not both");
  const listens = flags.listen ?? (flags["listen-tls"].length > 0 ? [] : [DEFAULT_PLACE]);
  const { plain } = listenAddresses({ ...flags, listen: listens, "listen-https": [] });
  const service = await recordedService(path);
  const host = new LiveHost();
  try {
    const { listener, at } = await listen(host, service, plain);
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(at, flags.json);
    await told;
    await new Promise<void>((resolve) => listener.stop(true, resolve));
  } finally {
    host.stop();
  }
}

export async function recordedService(path: string): Promise<DnsService> {
  const { lookups } = await loadRecordings(path);
  const answers = new Map<string, { readonly list: Uint8Array[]; next: number }>();
  for (const { name, type, response } of lookups) {
    if (response === undefined) continue;
    const key = `${canonicalText(name)} ${type}`;
    const known = answers.get(key);
    if (known === undefined) answers.set(key, { list: [response], next: 0 });
    else known.list.push(response);
  }
  if (answers.size === 0)
    throw new CommandError(`${path}: no answer of DNS is in it to answer with`, EXIT.input);
  return {
    query(request, client, reply) {
      const { message, malformed } = readMessage(request.slice());
      const [question] = message.questions;
      const found =
        malformed || question === undefined
          ? undefined
          : answers.get(`${canonicalText(question.name)} ${typeName(question.type)}`);
      if (found === undefined) {
        reply(refusal(request));
        return;
      }
      const at = Math.min(found.next++, found.list.length - 1);
      reply(
        again(
          found.list[at] as Uint8Array,
          request,
          client.transport === "udp",
          message.edns?.udpSize,
        ),
      );
    },
  };
}

/** The recorded answer under the question's identifier, and with the question as it was asked. */
function again(
  recorded: Uint8Array,
  request: Uint8Array,
  datagram: boolean,
  size = PLAIN_UDP_BYTES,
): Uint8Array {
  const whole = recorded.slice();
  whole[0] = request[0] as number;
  whole[1] = request[1] as number;
  // Names in the question are compared without case, but come back as they were sent (RFC 4343 2).
  for (let at = HEADER_BYTES, end = questionEnd(request); at < end; at++)
    whole[at] = request[at] as number;
  if (!datagram || whole.length <= Math.max(size, PLAIN_UDP_BYTES)) return whole;
  const cut = whole.slice(0, questionEnd(whole));
  cut[2] = (cut[2] as number) | TC;
  cut.fill(0, 6, HEADER_BYTES);
  return cut;
}

function refusal(request: Uint8Array): Uint8Array {
  const end = questionEnd(request);
  const answer = request.slice(0, end);
  answer[2] = (((answer[2] as number) & 0x79) | QR) & 0xff;
  answer[3] = REFUSED;
  answer.fill(0, 6, HEADER_BYTES);
  if (end === HEADER_BYTES) answer.fill(0, 4, 6);
  return answer;
}

/** Behind the first question; behind the header where there is none that can be read. */
function questionEnd(message: Uint8Array): number {
  let at = HEADER_BYTES;
  while (at < message.length && message[at] !== 0) {
    const length = message[at] as number;
    if (length > 63) return HEADER_BYTES;
    at += 1 + length;
  }
  return at + 5 <= message.length ? at + 5 : HEADER_BYTES;
}
