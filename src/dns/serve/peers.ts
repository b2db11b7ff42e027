/** Other servers as flags name them, with the key that is for them: `ADDRESS[:PORT][#KEY]`. RFC 8945. */
import { sameName } from "../../codecs/dns/canonical.ts";
import { RCODE } from "../../codecs/dns/constants.ts";
import type { NotifyAnswer } from "../../engines/dns/notifier.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import type { Endpoint } from "../../engines/host.ts";
import { CommandError } from "../../failure.ts";
import { rcodeName } from "../../render/dns-names.ts";
import { serverAddress } from "../recursor/options.ts";
import { tsigKeyOf } from "./access.ts";
import { say } from "./listen.ts";

export interface NamedPeer {
  readonly at: Endpoint;
  /** Undefined where none is named. */
  readonly key: TsigKey | undefined;
}

/** `keys`: as --tsig has them. @throws CommandError */
export function peerOf(text: string, keys: readonly string[]): NamedPeer {
  const hash = text.indexOf("#");
  if (hash < 0) return { at: serverAddress(text, 53), key: undefined };
  const name = text.slice(hash + 1).replace(/\.?$/, ".");
  const key = keys.map(tsigKeyOf).find((one) => sameName(one.name, name));
  if (key === undefined) throw new CommandError(`${text}: there is no --tsig key ${name}`);
  return { at: serverAddress(text.slice(0, hash), 53), key };
}

/** What went wrong with a NOTIFY, on stderr; nothing when all went well. */
export function sayOfNotify(zone: string, { addr, port }: Endpoint, answer: NotifyAnswer): void {
  if (!answer.answered && answer.why === "tsig")
    say(`${zone}: ${addr}:${port} does not take NOTIFY: ${answer.detail}`);
  else if (!answer.answered)
    say(
      `${zone}: ${addr}:${port} ${answer.why === "refused" ? "refuses" : "does not answer"} NOTIFY`,
    );
  else if (answer.rcode !== RCODE.NOERROR)
    say(`${zone}: ${addr}:${port} answers NOTIFY with ${rcodeName(answer.rcode)}`);
}
