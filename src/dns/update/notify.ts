/** Behind `netkit dns notify`: the word that a zone has changed, until it is answered. RFC 1996. */
import { TYPE } from "../../codecs/dns/index.ts";
import type { NotifyAnswer } from "../../engines/dns/notifier.ts";
import { notify } from "../../engines/dns/notifier.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import { nameOf, serverOf } from "../resolve/arguments.ts";
import { addressOf } from "../resolve/servers.ts";
import { tsigKey } from "../resolve/transfer.ts";

/** @throws CommandError */
export async function notifyServer(
  name: string,
  serverText: string,
  serial: number | undefined,
  tsig: string | undefined,
  timeoutMs: number,
): Promise<{ readonly zone: string; readonly server: string; readonly rcode: string }> {
  const zone = nameOf(name).replace(/\.?$/, ".");
  const server = await addressOf(serverOf(serverText.replace(/^@/, "")));
  const key = tsig === undefined ? undefined : tsigKey(tsig);
  const where = `${server.addr}#${server.port}`;
  const host = new LiveHost();
  try {
    const rdata = { mname: ".", rname: ".", refresh: 0, retry: 0, expire: 0, minimum: 0 };
    const soa =
      serial === undefined
        ? {}
        : { soa: { name: zone, type: TYPE.SOA, class: 1, ttl: 0, rdata: { ...rdata, serial } } };
    const answer = await new Promise<NotifyAnswer>((done) =>
      notify(host, { name: zone, ...soa }, server, done, key, timeoutMs * MILLISECOND),
    );
    if (!answer.answered && answer.why === "tsig")
      throw new CommandError(`${where}: ${answer.detail}`, EXIT.input);
    if (!answer.answered) {
      const how = answer.why === "refused" ? "nothing listens there" : "it does not answer NOTIFY";
      throw new CommandError(`${where}: ${how}`, EXIT.network);
    }
    return { zone, server: where, rcode: rcodeName(answer.rcode) };
  } finally {
    host.stop();
  }
}
