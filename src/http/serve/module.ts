/** `--module FILE`: a program's answers. Its default export gets a request and gives a response. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { utf8Bytes } from "../../codecs/writer.ts";
import type { Exchange } from "../../engines/http/exchange.ts";
import { field } from "../../engines/http/fields.ts";
import type { ResponseHead } from "../../engines/http/head.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";
import { CommandError, EXIT } from "../../failure.ts";

/** What the program gets: header names are lower case, repeated fields joined with a comma. */
export interface ModuleRequest {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: string;
  readonly body: Uint8Array;
}

/** What it gives. Undefined: not its business, the files answer. */
export interface ModuleResponse {
  readonly status?: number;
  /** A list gives several fields of one name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

type Answer = ModuleResponse | undefined;
export type ModuleHandler = (request: ModuleRequest) => Answer | Promise<Answer>;

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** @throws CommandError when the file is no such module */
export async function loadModule(path: string): Promise<ModuleHandler> {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
  } catch (error) {
    throw new CommandError(`${path}: ${(error as Error).message.split("\n")[0]}`, EXIT.input);
  }
  if (typeof loaded.default !== "function") {
    throw new CommandError(`${path}: its default export is no function`, EXIT.input);
  }
  return loaded.default as ModuleHandler;
}

export function moduleHandler(
  answer: ModuleHandler,
  fallback: RequestHandler,
  onFault: (error: Error) => void,
): RequestHandler {
  return (exchange) => {
    if (!exchange.hasBody) {
      void serve(exchange, new Uint8Array(0), answer, fallback, onFault);
      return;
    }
    exchange.readAll(MAX_BODY_BYTES, (body) => {
      if (body !== undefined) void serve(exchange, body, answer, fallback, onFault);
      else if (!exchange.gone && !exchange.responded)
        exchange.respondError(413, "a body that is too long");
    });
  };
}

async function serve(
  exchange: Exchange,
  body: Uint8Array,
  answer: ModuleHandler,
  fallback: RequestHandler,
  onFault: (error: Error) => void,
): Promise<void> {
  try {
    const response = await answer(requestOf(exchange, body));
    if (exchange.gone) return;
    if (response === undefined) fallback(exchange);
    else await respond(exchange, response);
  } catch (error) {
    onFault(error as Error);
    if (exchange.gone) return;
    // A response that was begun cannot be taken back: the client must see that it is not whole.
    if (exchange.responded) exchange.abort();
    else exchange.respondError(500, "the program failed");
  }
}

function requestOf(exchange: Exchange, body: Uint8Array): ModuleRequest {
  const { method, target, fields } = exchange.request;
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { name, value } of fields) {
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] =
      before === undefined ? value : `${before}${key === "cookie" ? "; " : ", "}${value}`;
  }
  const path = target.split("?", 1)[0] as string;
  const query = target.slice(path.length + 1);
  return { method, target, path, query, headers, client: exchange.connection.remote.addr, body };
}

async function respond(exchange: Exchange, response: ModuleResponse): Promise<void> {
  const fields = Object.entries(response.headers ?? {}).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((one) => ({ name, value: one })),
  );
  const head = { statusCode: response.status ?? 200, fields };
  const { body = "" } = response;
  checkResponse(head, body);
  if (typeof body === "string" || body instanceof Uint8Array) {
    exchange.respond(head, bytesOf(body));
    return;
  }
  exchange.start(head);
  for await (const piece of body) {
    if (exchange.gone) return;
    if (exchange.write(bytesOf(piece))) continue;
    await new Promise<void>((resume) => {
      exchange.onDrain = resume;
      exchange.onAbandoned = () => resume();
    });
  }
  if (!exchange.gone) exchange.end();
}

/** What would leave the client without an end of the response is told before it begins. */
function checkResponse({ statusCode, fields }: ResponseHead, body: unknown): void {
  if (statusCode < 200)
    throw new Error(`status ${statusCode}: a final one is needed (RFC 9110 15)`);
  if (field(fields, "transfer-encoding") !== undefined)
    throw new Error("Transfer-Encoding: the server frames the body (RFC 9112 6.1)");
  const pieces = body as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null;
  if (pieces?.[Symbol.asyncIterator] === undefined && pieces?.[Symbol.iterator] === undefined)
    throw new Error("body: a string, bytes, or a sequence of them");
}

function bytesOf(piece: string | Uint8Array): Uint8Array {
  return typeof piece === "string" ? utf8Bytes(piece) : piece;
}
