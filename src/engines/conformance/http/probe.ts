/** What rules of HTTP send, and how they judge. */
import type { HttpResponse } from "../../../codecs/http/message.ts";
import { latin1Bytes } from "../../../codecs/writer.ts";
import { field } from "../../http/fields.ts";
import type { Conversation, Reply, Target } from "./rule.ts";
import { Deviation } from "./rule.ts";

const WAIT = 2000;

export function expectThat(good: boolean, what: string): void {
  if (!good) throw new Deviation(what);
}

interface Sent {
  readonly responses?: number;
  readonly methods?: readonly string[];
  readonly wait?: number;
  /** Octets of each segment; default: all in one. */
  readonly size?: number;
}

/** Sends octets on a connection of their own. */
export function* raw(text: string, options: Sent = {}): Conversation<Reply> {
  const bytes = latin1Bytes(text);
  const size = options.size ?? bytes.length;
  const segments: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) segments.push(bytes.subarray(at, at + size));
  return yield {
    segments,
    methods: options.methods ?? [],
    responses: options.responses ?? 1,
    wait: options.wait ?? WAIT,
  };
}

export interface Request {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
  /** Whole lines, without line ends. */
  readonly fields?: readonly string[];
  readonly body?: string;
  /** False: no Host. */
  readonly host?: boolean;
}

/** A request in octets; with Host, and nothing else that was not asked for. */
export function request(target: Target, options: Request = {}): string {
  const { method = "GET", version = "HTTP/1.1", fields = [], body = "", host = true } = options;
  const lines = [
    `${method} ${options.target ?? target.path} ${version}`,
    ...(host ? [`Host: ${target.host}`] : []),
    ...fields,
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** The one final response to a request. */
export function* answer(target: Target, options: Request = {}): Conversation<HttpResponse> {
  const reply = yield* raw(request(target, options), { methods: [options.method ?? "GET"] });
  return first(reply);
}

export function first(reply: Reply): HttpResponse {
  expectThat(reply.fault === undefined, reply.fault ?? "");
  const [response] = reply.responses;
  if (response === undefined)
    throw new Deviation(
      reply.closed ? "the connection closed without a response" : "no response came",
    );
  return response;
}

export function header(response: HttpResponse, name: string): string | undefined {
  return field(response.fields, name);
}

/** The request is refused: with one of the codes, or by closing without a word where that is allowed. */
export function expectRefused(reply: Reply, codes: readonly number[], silent = false): void {
  const [response] = reply.responses;
  if (response === undefined) {
    expectThat(
      silent && reply.closed,
      reply.closed ? "closed without a response" : "no response came",
    );
    return;
  }
  expectThat(
    codes.includes(response.statusCode),
    `status ${response.statusCode}, expected ${codes.join(" or ")}`,
  );
}

/** A request that the server must not take for two: `GET /smuggled` is inside. */
export function expectOne(reply: Reply): void {
  expectThat(reply.responses.length <= 1, `${reply.responses.length} responses to one request`);
}
