/** One message to one server over TCP, signed where a key is given, and its answer. RFC 7766, RFC 8945 5.3. */
import { readMessage } from "../../../codecs/dns/decode.ts";
import { encode } from "../../../codecs/dns/encode.ts";
import { FrameDecoder, frame } from "../../../codecs/dns/framing.ts";
import type { DnsMessage } from "../../../codecs/dns/message.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Endpoint, Host, Nanos } from "../../host.ts";
import type { TsigKey } from "../tsig.ts";
import { TsigSession } from "./tsig-session.ts";

export interface SignedOptions {
  readonly server: Endpoint;
  readonly message: DnsMessage;
  readonly key?: TsigKey | undefined;
  readonly timeout: Nanos;
}

export type SignedResult =
  | { readonly kind: "answer"; readonly message: DnsMessage }
  | { readonly kind: "failed"; readonly cause: "network" | "protocol"; readonly why: string };

export function exchangeSigned(
  host: Host,
  options: SignedOptions,
  done: (result: SignedResult) => void,
): void {
  const { key, message: request, server, timeout } = options;
  const session = key === undefined ? undefined : new TsigSession(key);
  const frames = new FrameDecoder();
  const seconds = () => Math.floor(host.clock.wallMs() / 1000);
  let over = false;
  const end = (result: SignedResult) => {
    if (over) return;
    over = true;
    connection.end();
    done(result);
  };
  const fail = (cause: "network" | "protocol", why: string) => end({ kind: "failed", cause, why });
  const read = (bytes: Uint8Array) => {
    const checked = session?.check(bytes, seconds());
    if (checked?.ok === false) return fail("protocol", checked.why);
    const { message, malformed } = readMessage(checked?.message ?? bytes);
    if (malformed || message.qr !== 1 || message.id !== request.id)
      return fail("protocol", "an answer that was not asked for");
    end({ kind: "answer", message });
  };
  const connection = host.connect(
    {
      onOpen(open) {
        open.setIdleTimeout(timeout);
        const bytes = encode(request);
        open.write(frame(session?.sign(bytes, seconds()) ?? bytes));
      },
      onData(data) {
        frames.push(data);
        try {
          const bytes = frames.next();
          if (bytes !== undefined && !over) read(bytes);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
          fail("protocol", error.message);
        }
      },
      onEnd: () => fail("network", "the connection was closed before the answer"),
      onClose: (cause, error) =>
        fail(
          "network",
          error === null ? `the connection closed: ${cause}` : `${cause} (${error.code})`,
        ),
    },
    { remote: server, timeout },
  );
}
