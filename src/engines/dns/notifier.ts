/** Tells secondaries that a zone has changed, until each has answered. RFC 1996 3. */

import { sameName } from "../../codecs/dns/canonical.ts";
import { CLASS, OPCODE, TYPE } from "../../codecs/dns/constants.ts";
import { readMessage } from "../../codecs/dns/decode.ts";
import { encode } from "../../codecs/dns/encode.ts";
import type { ResourceRecord } from "../../codecs/dns/message.ts";
import type { Endpoint, Host, Timer, UdpSocket } from "../host.ts";
import { SECOND } from "../host.ts";
import { TsigSession } from "./client/tsig-session.ts";
import type { TsigKey } from "./tsig.ts";

/** RFC 1996 3.6: some tries, further and further apart. */
const TRIES = 5;
const FIRST_WAIT = 2 * SECOND;

/** A zone, or no more than its name: then the secondary is told nothing of the serial (RFC 1996 3.7). */
export interface Notified {
  readonly name: string;
  readonly soa?: ResourceRecord;
}

/** Any rcode ends it: the secondary heard, whatever it makes of it. */
export type NotifyAnswer =
  | { readonly answered: false; readonly why: "timeout" | "refused" }
  | { readonly answered: false; readonly why: "tsig"; readonly detail: string }
  | { readonly answered: true; readonly rcode: number };

/**
 * One secondary's NOTIFY, signed where a key is given; `done` once: it answered, or it did not.
 * `within`: no longer than that, else until the last try is over.
 */
export function notify(
  host: Host,
  zone: Notified,
  to: Endpoint,
  done: (answer: NotifyAnswer) => void,
  key?: TsigKey,
  within = Number.POSITIVE_INFINITY,
): void {
  const session = key === undefined ? undefined : new TsigSession(key);
  const seconds = () => Math.floor(host.clock.wallMs() / 1000);
  const id = host.random.below(65_536);
  const flags = { aa: true, tc: false, rd: false, ra: false, ad: false, cd: false };
  const message = encode({
    id,
    qr: 0,
    opcode: OPCODE.NOTIFY,
    rcode: 0,
    ...flags,
    questions: [{ name: zone.name, type: TYPE.SOA, class: CLASS.IN }],
    answers: zone.soa === undefined ? [] : [zone.soa],
    authority: [],
    additional: [],
  });
  let tries = 0;
  let ended = false;
  /** Why an answer's signature did not do, or what it says against ours. */
  let unsigned: string | undefined;
  const end = (answer: NotifyAnswer) => {
    if (ended) return;
    ended = true;
    timer.armAt(undefined);
    socket.close();
    done(answer);
  };
  const send = () => {
    const now = host.clock.now();
    // Anybody may have sent it: the true answer had the time of a try to come (RFC 8945 5.4).
    if (unsigned !== undefined) return end({ answered: false, why: "tsig", detail: unsigned });
    if (tries === TRIES || now >= last) return end({ answered: false, why: "timeout" });
    socket.send(session?.sign(message, seconds()) ?? message, to.addr, to.port);
    timer.armAt(Math.min(last, now + FIRST_WAIT * (1 << tries++)));
  };
  const last = host.clock.now() + within;
  const timer: Timer = host.clock.timer(send);
  const socket: UdpSocket = host.udp(
    {
      onDatagram: (data) => {
        // RFC 8945 5.4: what is not signed as the word was is no answer to it.
        const checked = session?.check(new Uint8Array(data), seconds());
        if (checked?.ok === false) {
          unsigned = checked.why;
          return;
        }
        const { message: answer, malformed } = readMessage(checked?.message ?? data);
        const [question] = answer.questions;
        if (malformed || answer.qr !== 1 || answer.id !== id || answer.opcode !== OPCODE.NOTIFY)
          return;
        if (question === undefined || sameName(question.name, zone.name))
          end({ answered: true, rcode: answer.rcode });
      },
      onBound: send,
      // RFC 1996 3.6: that nothing listens there ends it.
      onUdpError: ({ code }) => {
        if (code === "ECONNREFUSED") end({ answered: false, why: "refused" });
      },
    },
    { connect: to },
  );
}
