/** Carries out rules against a server, one after the other, on any host. */
import { FrameDecoder } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Endpoint, Host, Nanos, TcpConnection } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { Conversation, Rule, Step, Target } from "./rule.ts";
import { Deviation } from "./rule.ts";

export interface Checked {
  readonly rule: Rule;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped. */
  readonly detail: string;
  readonly took: Nanos;
}

/** Between the segments of a message that is sent in pieces. */
const SEGMENT_PAUSE = 20 * MILLISECOND;
const MAX_REPLIES = 10_000;

export class DnsCheck {
  private readonly host: Host;
  private readonly server: Endpoint;
  private readonly target: Target;
  private readonly rules: readonly Rule[];
  private readonly each: (checked: Checked) => void;
  private readonly done: () => void;
  private next = 0;
  private started: Nanos = 0;
  private conversation: Conversation<void> | undefined;

  constructor(
    host: Host,
    server: Endpoint,
    target: Target,
    rules: readonly Rule[],
    each: (checked: Checked) => void,
    done: () => void,
  ) {
    this.host = host;
    this.server = server;
    this.target = target;
    this.rules = rules;
    this.each = each;
    this.done = done;
  }

  start(): void {
    const rule = this.rules[this.next];
    if (rule === undefined) {
      this.done();
      return;
    }
    this.started = this.host.clock.now();
    if (rule.needs === "zone" && !this.target.hasZone) {
      this.finish("skipped", "no zone of the server is named");
      return;
    }
    this.conversation = rule.check(this.target);
    this.go([]);
  }

  private finish(outcome: Checked["outcome"], detail: string): void {
    const rule = this.rules[this.next++] as Rule;
    this.each({ rule, outcome, detail, took: this.host.clock.now() - this.started });
    this.host.clock.defer(() => this.start());
  }

  /** Hands the replies of the last step to the rule, and carries out its next. */
  private go(replies: readonly Uint8Array[]): void {
    let step: IteratorResult<Step, void>;
    try {
      step = (this.conversation as Conversation<void>).next(replies);
    } catch (error) {
      if (!(error instanceof Deviation)) throw error;
      this.finish("failed", error.message);
      return;
    }
    if (step.done === true) this.finish("passed", "");
    else if (step.value.kind === "udp") this.udp(step.value.data, step.value.wait);
    else this.tcp(step.value);
  }

  private udp(data: Uint8Array, wait: number): void {
    const { host, server } = this;
    let over = false;
    const end = (replies: readonly Uint8Array[]) => {
      if (over) return;
      over = true;
      timer.armAt(undefined);
      socket.close();
      this.go(replies);
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

  private tcp(step: Extract<Step, { kind: "tcp" }>): void {
    const { host, server } = this;
    const replies: Uint8Array[] = [];
    const frames = new FrameDecoder();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      timer.armAt(undefined);
      pause.armAt(undefined);
      connection.reset();
      this.go(replies);
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
