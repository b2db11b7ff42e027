/** What came of one question, for rendering, JSON and the exit code. */
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { RCODE, record, TYPE, typeName } from "../../codecs/dns/index.ts";
import type { Answered, Unanswered } from "../../engines/dns/client/exchange.ts";
import type { StubResult } from "../../engines/dns/client/stub.ts";
import type { Nanos } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import { EXIT } from "../../failure.ts";
import { rcodeName } from "../../render/dns-names.ts";
import type { Asked } from "./arguments.ts";

export type Outcome =
  | { readonly from: "hosts"; readonly asked: Asked; readonly data: readonly string[] }
  | {
      readonly from: "server";
      readonly asked: Asked;
      readonly response: DnsMessage;
      /** Undefined: a walk of our own asked several. */
      readonly server: string | undefined;
      readonly transport: string | undefined;
      /** Who walked, where no stub asked. */
      readonly mode?: string;
      readonly rtt: Nanos;
      readonly bytes: number;
      readonly sent: number;
      /** Why others were passed over. */
      readonly failures: readonly string[];
      /** Of an answer that was validated. */
      readonly security?: string;
      /** Why it failed. */
      readonly why?: string;
    }
  | {
      readonly from: "nobody";
      readonly asked: Asked;
      readonly failures: readonly string[];
      /** Somebody answered, without the signature that was wanted (RFC 8945 5.4). */
      readonly unsigned?: boolean;
    };

export function failureText(failure: Unanswered | Answered): string {
  const { addr, port } = failure.server;
  const where = `${addr}#${port} (${failure.transport})`;
  if (!failure.ok) return `${where}: ${failure.cause}: ${failure.detail}`;
  return `${where}: ${rcodeName(failure.response.rcode)}`;
}

export function outcomeOf(asked: Asked, result: StubResult): Outcome {
  if (result.from === "hosts") {
    const { host, addresses } = result;
    return { from: "hosts", asked, data: host === undefined ? addresses : [host] };
  }
  const failures = result.failures.map(failureText);
  if (result.from === "nobody") {
    const unsigned = result.failures.some((failure) => !failure.ok && failure.cause === "tsig");
    return { from: "nobody", asked, failures, unsigned };
  }
  const { response, server, transport, rtt, bytes, sent, name } = result;
  return {
    from: "server",
    asked: { ...asked, name },
    response,
    server: `${server.addr}#${server.port}`,
    transport,
    rtt,
    bytes: bytes.length,
    sent,
    failures,
  };
}

/** One line of `--json`. */
export function outcomeJson(outcome: Outcome): object {
  const { name, type } = outcome.asked;
  const head = { name, type, typeName: typeName(type), from: outcome.from };
  if (outcome.from === "hosts") {
    const { data } = outcome;
    return { ...head, ...(type === TYPE.PTR ? { names: data } : { addresses: data }) };
  }
  if (outcome.from === "nobody") return { ...head, failures: outcome.failures };
  const { server, transport, mode, rtt, bytes, sent, failures, response, security, why } = outcome;
  return {
    ...head,
    ...(mode === undefined ? {} : { mode }),
    ...(server === undefined ? {} : { server }),
    ...(transport === undefined ? {} : { transport, bytes }),
    rtt: rtt / SECOND,
    sent,
    rcodeName: rcodeName(response.rcode),
    ...(failures.length === 0 ? {} : { failures }),
    ...(security === undefined ? {} : { security }),
    ...(why === undefined ? {} : { why }),
    response: record(response),
  };
}

/** Documented in the README: 1 when the answer is no, 4 when nobody answered. */
export function exitCodeOf(outcomes: readonly Outcome[]): number {
  const nobody = outcomes.filter((outcome) => outcome.from === "nobody");
  if (nobody.length > 0)
    return nobody.every(({ unsigned }) => unsigned === true) ? EXIT.input : EXIT.network;
  const positive = (outcome: Outcome) =>
    (outcome.from === "hosts" && outcome.data.length > 0) ||
    (outcome.from === "server" &&
      outcome.response.rcode === RCODE.NOERROR &&
      outcome.response.answers.length > 0);
  return outcomes.some(positive) ? EXIT.done : EXIT.negative;
}
