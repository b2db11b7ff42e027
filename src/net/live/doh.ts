/** DNS over HTTPS as a client: one POST over HTTP/2. RFC 8484 4.1. */
import { connect } from "node:http2";

export interface DohOptions {
  readonly timeoutMs: number;
  readonly ca?: string | undefined;
  /** False: any certificate will do. */
  readonly verify?: boolean;
}

const MAX_ANSWER_BYTES = 65_535;
const MEDIA_TYPE = "application/dns-message";

/** The octets of the answer. @throws Error with what went wrong, in one line */
export function askOverHttps(
  url: string,
  query: Uint8Array,
  options: DohOptions,
): Promise<Uint8Array> {
  const { origin, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const session = connect(origin, {
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      rejectUnauthorized: options.verify !== false,
    });
    const finish = (error: Error | undefined, answer?: Uint8Array) => {
      clearTimeout(timer);
      session.destroy();
      if (error === undefined) resolve(answer as Uint8Array);
      else reject(error);
    };
    const timer = setTimeout(
      () => finish(new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    session.on("error", finish);
    const request = session.request({
      ":method": "POST",
      ":path": pathname + search,
      accept: MEDIA_TYPE,
      "content-type": MEDIA_TYPE,
      "content-length": String(query.length),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    request.on("response", (headers) => {
      status = headers[":status"] ?? 0;
      if (status === 200 && headers["content-type"] !== MEDIA_TYPE)
        finish(new Error(`the answer is ${headers["content-type"]}, not ${MEDIA_TYPE}`));
    });
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) finish(new Error("the answer is longer than a DNS message"));
      else chunks.push(chunk);
    });
    request.on("end", () => {
      if (status === 200) finish(undefined, Buffer.concat(chunks));
      else finish(new Error(`the server answers with status ${status}`));
    });
    // That the stream was cancelled says nothing: why the connection failed does.
    request.on("error", (error: Error) =>
      finish(error.cause instanceof Error ? error.cause : error),
    );
    request.end(query);
  });
}
