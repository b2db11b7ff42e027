/** The origin server of a test run: it answers as the description says, and tells what it saw. */
import type { Field } from "../../../src/codecs/http/message.ts";
import { MILLISECOND } from "../../../src/engines/host.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { field, joinedField } from "../../../src/engines/http/fields.ts";
import { isBodiless } from "../../../src/engines/http/head.ts";
import type { RequestSpec, TestSpec } from "./description.ts";
import { sentValue } from "./description.ts";

export interface SeenRequest {
  readonly number: number;
  readonly method: string;
  readonly fields: readonly Field[];
  /** Fields of the response that the client must get as they were sent. */
  readonly sent: readonly (readonly [string, string])[];
}

export class TestOrigin {
  private readonly tests = new Map<string, TestSpec>();
  readonly seen = new Map<string, SeenRequest[]>();

  add(token: string, test: TestSpec): void {
    this.tests.set(token, test);
    this.seen.set(token, []);
  }

  handle(exchange: Exchange): void {
    const token = /^\/test\/([^/?]+)/.exec(exchange.request.target)?.[1] ?? "";
    const test = this.tests.get(token);
    const seen = this.seen.get(token);
    if (test === undefined || seen === undefined) {
      exchange.respondError(404, "no such test");
      return;
    }
    const asked = Number(exchange.field("req-num"));
    const number = asked > 0 ? asked : seen.length + 1;
    const spec = test.requests[number - 1];
    if (spec === undefined) {
      exchange.respondError(409, "no such request");
      return;
    }
    const answer = () => this.answer(exchange, token, test, number, spec);
    if (spec.response_pause === undefined) answer();
    else {
      const { clock } = exchange.host;
      clock.timer(answer).armAt(clock.now() + spec.response_pause * 1000 * MILLISECOND);
    }
  }

  private answer(
    exchange: Exchange,
    token: string,
    test: TestSpec,
    number: number,
    spec: RequestSpec,
  ): void {
    const seen = this.seen.get(token) ?? [];
    for (const [statusCode, fields = []] of spec.interim_responses ?? []) {
      exchange.inform({ statusCode, fields: fields.map(([name, value]) => ({ name, value })) });
    }
    const { request } = exchange;
    const nowMs = exchange.host.clock.wallMs();
    const fields: Field[] = [
      { name: "Server-Base-Url", value: request.target },
      { name: "Server-Request-Count", value: String(seen.length + 1) },
      { name: "Client-Request-Count", value: String(number) },
      { name: "Server-Now", value: String(nowMs) },
    ];
    const sent = new Map<string, string>();
    for (const [name, value, saved = true] of spec.response_headers ?? []) {
      const text = sentValue(name, value, spec, nowMs, request.target);
      fields.push({ name, value: text });
      if (saved) sent.set(name, joinedField(fields, name.toLowerCase()) ?? text);
    }
    if (field(fields, "content-type") === undefined) {
      fields.push({ name: "Content-Type", value: "text/plain" });
    }
    const [statusCode, reasonPhrase] = this.statusOf(exchange, test, number, spec);
    seen.push({ number, method: request.method, fields: request.fields, sent: [...sent] });
    fields.push({ name: "Request-Numbers", value: seen.map((one) => one.number).join(" ") });
    if (spec.disconnect === true) {
      exchange.abort();
      return;
    }
    const body = new Uint8Array(Buffer.from(spec.response_body ?? token));
    const head = { statusCode, reasonPhrase, fields };
    const framed = ["content-length", "transfer-encoding"].some(
      (n) => field(fields, n) !== undefined,
    );
    if (framed) sendAsIs(exchange, head, body);
    else if (isBodiless("GET", statusCode)) {
      exchange.start(head);
      exchange.end();
    } else exchange.respond(head, body);
  }

  private statusOf(
    exchange: Exchange,
    test: TestSpec,
    number: number,
    spec: RequestSpec,
  ): readonly [number, string] {
    if (spec.expected_type?.endsWith("validated") !== true)
      return spec.response_status ?? [200, "OK"];
    const before = this.seen
      .get(/^\/test\/([^/?]+)/.exec(exchange.request.target)?.[1] ?? "")
      ?.findLast((one) => one.number === number - 1);
    const previous = (name: string) => {
      const told = before?.sent.find(([other]) => other.toLowerCase() === name)?.[1];
      const spelt = test.requests[number - 2]?.response_headers?.findLast(
        ([other]) => other.toLowerCase() === name,
      )?.[1];
      return told ?? (typeof spelt === "string" ? spelt : undefined);
    };
    const last = previous("last-modified");
    const etag = previous("etag");
    const same =
      (last !== undefined && exchange.field("if-modified-since") === last) ||
      (etag !== undefined && exchange.field("if-none-match") === etag);
    return same ? [304, "Not Modified"] : [999, "304 Not Generated"];
  }
}

/** A body that does not fit its head is sent all the same, and the connection closed behind it. */
function sendAsIs(
  exchange: Exchange,
  head: { statusCode: number; reasonPhrase: string; fields: Field[] },
  body: Uint8Array,
): void {
  const date = field(head.fields, "date");
  const dated =
    date === undefined
      ? [
          ...head.fields,
          { name: "Date", value: new Date(exchange.host.clock.wallMs()).toUTCString() },
        ]
      : head.fields;
  const { connection } = exchange;
  exchange.handOver(
    { ...head, fields: dated },
    { onData: () => {}, onEnd: (c) => c.end(), onClose: () => {} },
  );
  // Behind the head, which goes out at the end of this turn.
  exchange.host.clock.defer(() => {
    connection.write(body);
    connection.end();
  });
}
