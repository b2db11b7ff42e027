/** Carries out rules against a server, one after the other, on any host. */
import { DecodeError } from "../../../codecs/errors.ts";
import type { HttpResponse } from "../../../codecs/http/message.ts";
import type { HttpSink } from "../../../codecs/http/parser.ts";
import { HttpParser } from "../../../codecs/http/parser.ts";
import type { Endpoint, Host, Nanos, TcpConnection } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { Conversation, Reply, Rule, Step, Target } from "./rule.ts";
import { Deviation, Inapplicable } from "./rule.ts";

export interface Checked {
  readonly rule: Rule;
  readonly outcome: "passed" | "failed" | "skipped";
  /** What was wrong, or why it was skipped. */
  readonly detail: string;
  readonly took: Nanos;
}

const SEGMENT_PAUSE = 5 * MILLISECOND;
const MAX_OCTETS = 8 * 1024 * 1024;

export class HttpCheck {
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
    this.conversation = rule.check(this.target);
    this.go(() => this.conversation?.next() as IteratorResult<Step, void>);
  }

  private go(resume: () => IteratorResult<Step, void>): void {
    let step: IteratorResult<Step, void>;
    try {
      step = resume();
    } catch (error) {
      if (error instanceof Deviation) this.finish("failed", error.message);
      else if (error instanceof Inapplicable) this.finish("skipped", error.message);
      else throw error;
      return;
    }
    if (step.done === true) this.finish("passed", "");
    else this.exchange(step.value);
  }

  private finish(outcome: Checked["outcome"], detail: string): void {
    const rule = this.rules[this.next++] as Rule;
    this.each({ rule, outcome, detail, took: this.host.clock.now() - this.started });
    this.host.clock.defer(() => this.start());
  }

  private exchange(step: Step): void {
    const { host } = this;
    const collector = new Collector(step.methods);
    let over = false;
    let closed = false;
    const end = () => {
      if (over) return;
      over = true;
      timer.armAt(undefined);
      pause.armAt(undefined);
      connection.reset();
      const reply = collector.reply(closed);
      this.go(() => (this.conversation as Conversation<void>).next(reply));
    };
    const wait = () => timer.armAt(host.clock.now() + step.wait * MILLISECOND);
    const timer = host.clock.timer(end);
    let sent = 0;
    const send = (c: TcpConnection) => {
      const segment = step.segments[sent++];
      if (segment === undefined || over) return;
      c.write(segment);
      wait();
      if (sent < step.segments.length) pause.armAt(host.clock.now() + SEGMENT_PAUSE);
    };
    const pause = host.clock.timer(() => send(connection));
    const connection = host.connect(
      {
        onOpen: send,
        onData: (data) => {
          if (over) return;
          wait();
          collector.push(data);
          const enough = step.responses > 0 && collector.responses.length >= step.responses;
          if (enough || collector.fault !== undefined || collector.octets > MAX_OCTETS) {
            // What follows at once is seen as well: a response too many, the end.
            timer.armAt(host.clock.now() + 50 * MILLISECOND);
          }
        },
        onEnd: () => {
          closed = true;
          collector.finish();
          host.clock.defer(end);
        },
        onClose: () => {
          closed = true;
          host.clock.defer(end);
        },
      },
      { remote: this.server },
    );
    wait();
  }
}

/** Responses out of octets, strictly. */
class Collector implements HttpSink {
  readonly responses: HttpResponse[] = [];
  readonly interim: number[] = [];
  fault: string | undefined = undefined;
  octets = 0;
  private readonly methods: readonly string[];
  private readonly parser = new HttpParser("response", this, true);
  private head_: Omit<HttpResponse, "body" | "trailers"> | undefined = undefined;
  private body_: Uint8Array[] = [];
  private trailers_: HttpResponse["trailers"] = [];

  constructor(methods: readonly string[]) {
    this.methods = methods;
  }

  push(data: Uint8Array): void {
    this.octets += data.length;
    this.guard(() => {
      this.parser.push(new Uint8Array(data), 0, data.length);
    });
  }

  finish(): void {
    this.guard(() => this.parser.end());
  }

  private guard(work: () => void): void {
    if (this.fault !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.fault = `what came is no response: ${error.message} (${error.code}, ${error.spec})`;
    }
  }

  reply(closed: boolean): Reply {
    const { responses, interim, fault, octets } = this;
    return { responses, interim, closed, fault, octets };
  }

  begin(): void {
    this.body_ = [];
    this.trailers_ = [];
  }

  requestMethod(): string {
    return this.methods[this.responses.length] ?? "GET";
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Parameters<HttpSink["head"]>[0]): void {
    const { version, statusCode, reasonPhrase } = head;
    this.head_ = { kind: "response", version, statusCode, reasonPhrase, fields: head.fields() };
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.body_.push(bytes.slice(start, end));
  }

  chunk(): void {}
  issue(): void {}

  trailers(head: Parameters<HttpSink["trailers"]>[0]): void {
    this.trailers_ = head.fields();
  }

  end(): void {
    const { head_ } = this;
    if (head_ === undefined) return;
    if (head_.statusCode < 200 && head_.statusCode !== 101) {
      this.interim.push(head_.statusCode);
      return;
    }
    const body = new Uint8Array(this.body_.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.body_) {
      body.set(piece, at);
      at += piece.length;
    }
    this.responses.push({ ...head_, body, trailers: this.trailers_ });
  }
}
