/** Carries out rules against a server, one after the other, on any host. */
import { FrameDecoder } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Endpoint, Host, TcpConnection } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { CheckedRule } from "../runner.ts";
import { RuleRunner } from "../runner.ts";
import type { Rule, Step, Target } from "./rule.ts";
import { Inapplicable } from "./rule.ts";

export type Checked = CheckedRule<Rule>;
type Replies = readonly Uint8Array[];
type Done = (replies: Replies) => void;
type UdpStep = Extract<Step, { kind: "udp" }>;
type TcpStep = Extract<Step, { kind: "tcp" }>;

/** Between the segments of a message that is sent in pieces. */
const SEGMENT_PAUSE = 20 * MILLISECOND;
const MAX_REPLIES = 10_000;

export class DnsCheck extends RuleRunner<Rule, Target, Step, Replies> {
  constructor(
    host: Host,
    server: Endpoint,
    target: Target,
    rules: readonly Rule[],
    each: (checked: Checked) => void,
    done: () => void,
  ) {
    const perform = (step: Step, back: Done) =>
      step.kind === "udp" ? udp(host, server, step, back) : tcp(host, server, step, back);
    const applied = target.hasZone ? rules : rules.map(withoutZone);
    super({ clock: host.clock, rules: applied, target, perform, each, done });
  }
}

function withoutZone(rule: Rule): Rule {
  if (rule.needs !== "zone") return rule;
  return {
    ...rule,
    // biome-ignore lint/correctness/useYield: nothing is asked of the network
    *check() {
      throw new Inapplicable("no zone of the server is named");
    },
  };
}

function udp(host: Host, server: Endpoint, step: UdpStep, done: Done): void {
  const { data, wait } = step;
  let over = false;
  const end = (replies: readonly Uint8Array[]) => {
    if (over) return;
    over = true;
    timer.armAt(undefined);
    socket.close();
    done(replies);
  };
  const timer = host.clock.timer(() => end([]));
  // Connected: what comes from another address is no answer (RFC 2181 4.1).
  const socket = host.udp(
    {
      onDatagram: (reply) => end([reply.slice()]),
      onBound: (s) => s.send(data, server.addr, server.port),
      // A closed port is silence that was told of.
      onUdpError: () => host.clock.defer(() => end([])),
    },
    { connect: server },
  );
  timer.armAt(host.clock.now() + wait * MILLISECOND);
}

function tcp(host: Host, server: Endpoint, step: TcpStep, done: Done): void {
  const replies: Uint8Array[] = [];
  const frames = new FrameDecoder();
  let over = false;
  const end = () => {
    if (over) return;
    over = true;
    timer.armAt(undefined);
    pause.armAt(undefined);
    connection.reset();
    done(replies);
  };
  const timer = host.clock.timer(end);
  let sent = 0;
  const send = (c: TcpConnection) => {
    const chunk = step.chunks[sent++];
    if (chunk === undefined) return;
    c.write(chunk);
    pause.armAt(host.clock.now() + SEGMENT_PAUSE);
  };
  const pause = host.clock.timer(() => send(connection));
  const connection = host.connect(
    {
      onOpen: send,
      onData: (data) => {
        if (over) return;
        frames.push(data);
        collect(frames, replies);
        if (replies.length >= Math.min(step.answers, MAX_REPLIES)) host.clock.defer(end);
      },
      onEnd: () => host.clock.defer(end),
      onClose: end,
    },
    { remote: server },
  );
  timer.armAt(host.clock.now() + step.wait * MILLISECOND);
}

/** Frames that came so far; what is no frame ends the stream. */
function collect(frames: FrameDecoder, replies: Uint8Array[]): void {
  try {
    for (let reply = frames.next(); reply !== undefined; reply = frames.next())
      replies.push(reply.slice());
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
}
