/** Responses out of octets, strictly: what a rule gets to see of a connection. */
import { DecodeError } from "../../../codecs/errors.ts";
import type { HttpResponse } from "../../../codecs/http/message.ts";
import type { HttpSink } from "../../../codecs/http/parser.ts";
import { HttpParser } from "../../../codecs/http/parser.ts";
import type { Reply } from "./rule.ts";

export class Collector implements HttpSink {
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
