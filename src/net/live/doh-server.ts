/** DNS over HTTPS at the edge: HTTP/2 requests to the messages that a service sees. RFC 8484. */
import type { Http2SecureServer, ServerHttp2Stream } from "node:http2";
import { createSecureServer } from "node:http2";
import { fromBase64 } from "../../codecs/writer.ts";
import type { DnsService } from "../../engines/dns/listener.ts";
import { padAnswer, wantsPadding } from "../../engines/dns/padding.ts";
import type { TlsServer } from "../../engines/host.ts";

const PATH = "/dns-query";
const TYPE = "application/dns-message";
const MAX_REQUEST = 65_535;
const HEADER_BYTES = 12;

export interface DohServer {
  readonly port: number;
  close(): void;
}

/** Listens; @throws NodeJS.ErrnoException when the address cannot be had. */
export function listenDoh(
  service: DnsService,
  at: { readonly addr: string; readonly port: number; readonly tls: TlsServer },
): Promise<DohServer> {
  const server: Http2SecureServer = createSecureServer({ cert: at.tls.cert, key: at.tls.key });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => stream.destroy());
    serveStream(service, stream, headers as Record<string, string | undefined>);
  });
  server.on("sessionError", () => {});
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.addr, () => {
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : at.port,
        close: () => server.close(),
      });
    });
  });
}

function serveStream(
  service: DnsService,
  stream: ServerHttp2Stream,
  headers: Record<string, string | undefined>,
): void {
  const status = (code: number) => answer(stream, code);
  // Not by `new URL`: it throws for what a client may well send, such as `//`.
  const [, path, query] = /^([^?]*)\??(.*)$/s.exec(headers[":path"] ?? "") ?? [];
  if (path !== PATH) return status(404);
  if (headers[":method"] === "GET") {
    const bytes = fromBase64(new URLSearchParams(query).get("dns") ?? "");
    return bytes === undefined ? status(400) : ask(service, stream, bytes);
  }
  if (headers[":method"] !== "POST") return status(405);
  if (headers["content-type"] !== TYPE) return status(415);
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_REQUEST) chunks.push(chunk);
  });
  stream.on("end", () =>
    length > MAX_REQUEST ? status(413) : ask(service, stream, Buffer.concat(chunks)),
  );
}

function ask(service: DnsService, stream: ServerHttp2Stream, request: Uint8Array): void {
  if (request.length < HEADER_BYTES || ((request[2] as number) & 0x80) !== 0) {
    answer(stream, 400);
    return;
  }
  const { socket } = stream.session ?? {};
  const client = {
    addr: socket?.remoteAddress ?? "",
    port: socket?.remotePort ?? 0,
    transport: "tls" as const,
  };
  const pads = wantsPadding(request);
  service.query(request, client, (bytes) => answer(stream, 200, pads ? padAnswer(bytes) : bytes));
}

/** A client may have gone by now, also in the middle of what it sends. */
function answer(stream: ServerHttp2Stream, status: number, bytes?: Uint8Array): void {
  if (stream.closed || stream.destroyed) return;
  if (bytes === undefined) {
    stream.respond({ ":status": status }, { endStream: true });
    return;
  }
  stream.respond({ ":status": status, "content-type": TYPE, "content-length": bytes.length });
  stream.end(bytes);
}
