/** `netkit dns recursor --replay`: our resolver in the place of the one of a capture. */
import { decode, FrameDecoder, frame, typeName } from "../../codecs/dns/index.ts";
import { DecodeError } from "../../codecs/errors.ts";
import { ObjectOutput } from "../../engines/capture/record.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Recursor } from "../../engines/dns/recursor.ts";
import type { CapturedMessage, CapturedResolver, Difference } from "../../engines/dns/replay.ts";
import { Counterpart, capturedResolver, sameAnswer } from "../../engines/dns/replay.ts";
import type { ResolverOptions } from "../../engines/dns/resolver/options.ts";
import { SECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { decodeCaptures } from "../../net/capture/decode.ts";
import { ReplayedWorld } from "../../net/replayed/world.ts";
import type { RecursorFlags } from "./options.ts";
import { resolverOptions } from "./options.ts";

export interface ReplayReport {
  readonly resolver: readonly string[];
  readonly clientQuestions: number;
  readonly sameAnswers: number;
  readonly otherAnswers: readonly {
    readonly name: string;
    readonly type: number;
    readonly rcode: number;
    readonly was: number | undefined;
  }[];
  readonly capturedUpstream: number;
  readonly upstream: number;
  readonly sameUpstream: number;
  readonly differences: readonly (Omit<Difference, "at"> & { readonly time: number })[];
  /** Questions of the captured resolver that ours did not have to ask. */
  readonly spared: readonly {
    readonly server: string;
    readonly name: string;
    readonly type: number;
  }[];
}

/** DNS messages of a capture, in their order. @throws CaptureError */
async function messagesOf(
  path: string,
): Promise<{ messages: CapturedMessage[]; startedMs: number }> {
  const messages: CapturedMessage[] = [];
  let first: bigint | undefined;
  const output = new ObjectOutput((record) => {
    if (record.protocol !== "dns" || record.raw === undefined || record.inIcmp === true) return;
    const [seconds = "0", fraction = ""] = record.time.split(".");
    const nanos = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
    first ??= nanos;
    const { src, sport, dst, dport, transport, raw } = record;
    messages.push({ at: Number(nanos - first), src, sport, dst, dport, transport, bytes: raw });
  }, true);
  await decodeCaptures([path], output);
  return { messages, startedMs: Number((first ?? 0n) / 1_000_000n) };
}

export async function replay(
  path: string,
  resolver: Partial<ResolverOptions>,
  hintsGiven: boolean,
): Promise<ReplayReport> {
  const { messages, startedMs } = await messagesOf(path);
  const captured = capturedResolver(messages);
  if (captured === undefined)
    throw new CommandError(
      `${path}: no resolver is seen with its clients and with its servers`,
      EXIT.input,
    );
  return run(captured, startedMs, hintsGiven ? resolver : withHints(resolver, captured));
}

/** The first server that was asked stands for the root. */
function withHints(
  resolver: Partial<ResolverOptions>,
  captured: CapturedResolver,
): Partial<ResolverOptions> {
  const [first] = captured.upstream;
  return { ...resolver, hints: [{ name: "root.", addresses: [first?.server ?? "0.0.0.0"] }] };
}

function run(
  captured: CapturedResolver,
  startedMs: number,
  options: Partial<ResolverOptions>,
): ReplayReport {
  const counterpart = new Counterpart(captured);
  const answers = new Map<string, ReturnType<typeof decode>>();
  const key = (addr: string, port: number, id: number) => `${addr} ${port} ${id}`;
  const replayed = new ReplayedWorld({
    seed: 1,
    startedMs,
    counterpart: ({ at, src, dst, dport, data }, answer) => {
      if (captured.addresses.includes(src) && dport === captured.port) {
        const response = counterpart.answer(at, dst, "udp", data);
        if (response !== undefined) answer(response.bytes, response.rtt);
        return;
      }
      const message = read(data);
      if (message?.qr === 1) answers.set(key(dst, dport, message.id), message);
    },
  });
  replayed.listen(captured.port, (server) => {
    const frames = new FrameDecoder();
    return {
      onData: (data, c) => {
        frames.push(data);
        for (let query = frames.next(); query !== undefined; query = frames.next()) {
          const response = counterpart.answer(replayed.world.now, server, "tcp", query.slice());
          if (response !== undefined) c.write(frame(response.bytes));
        }
      },
      onEnd: (c) => c.end(),
      onClose() {},
    };
  });
  replayed.node("resolver", {
    addresses: captured.addresses,
    boot: (host) => {
      const recursor = new Recursor({ resolver: { ...options, hintPort: captured.port } });
      recursor.start(host);
      const listen = captured.addresses.map((addr) => ({ addr, port: captured.port }));
      return new DnsListener(recursor, { listen });
    },
  });
  const overUdp = captured.clients.filter(({ transport }) => transport === "udp");
  replayed.play(overUdp.map(({ bytes, ...rest }) => ({ ...rest, data: bytes })));
  const last = overUdp.at(-1)?.at ?? 0;
  replayed.world.run(last + 60 * SECOND);
  const compared = overUdp.map((one) => ({
    one,
    ours: answers.get(key(one.src, one.sport, one.message.id)),
  }));
  const equal = compared.filter(
    ({ one, ours }) =>
      ours !== undefined && one.answer !== undefined && sameAnswer(ours, one.answer),
  );
  return {
    resolver: captured.addresses,
    clientQuestions: compared.length,
    sameAnswers: equal.length,
    otherAnswers: compared
      .filter((pair) => !equal.includes(pair))
      .map(({ one, ours }) => ({
        name: one.message.questions[0]?.name ?? ".",
        type: one.message.questions[0]?.type ?? 0,
        rcode: ours?.rcode ?? -1,
        was: one.answer?.rcode,
      })),
    capturedUpstream: captured.upstream.length,
    upstream: counterpart.asked,
    sameUpstream: counterpart.same,
    differences: counterpart.differences.map(({ at, ...rest }) => ({ time: at / SECOND, ...rest })),
    spared: counterpart.spared(captured).map(({ server, name, type }) => ({ server, name, type })),
  };
}

function read(data: Uint8Array): ReturnType<typeof decode> | undefined {
  try {
    return decode(data, { tolerate: () => {} });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}

/** Behind the flag: the report for people, or as JSON. */
export async function replayCapture(
  path: string,
  flags: RecursorFlags,
  json: boolean,
): Promise<void> {
  const options = { ...resolverOptions(flags), localZones: false };
  const report = await replay(path, options, flags.hints !== undefined);
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const lines = [
    `resolver ${report.resolver.join(", ")}`,
    `${report.clientQuestions} questions of clients, ${report.sameAnswers} answered the same`,
    `${report.capturedUpstream} questions to servers in the capture, ${report.upstream} of ours, ${report.sameUpstream} of them the same`,
    ...report.otherAnswers.map(
      ({ name, type, rcode, was }) =>
        `other answer: ${name} ${typeName(type)}: ${rcode < 0 ? "none" : `rcode ${rcode}`}, captured ${was === undefined ? "none" : `rcode ${was}`}`,
    ),
    ...report.differences.map(
      ({ time, server, name, type, reason }) =>
        `asked otherwise: ${time.toFixed(6)} ${server} ${name} ${type}: ${reason}`,
    ),
    ...report.spared.map(
      ({ server, name, type }) => `not asked: ${server} ${name} ${typeName(type)}`,
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
