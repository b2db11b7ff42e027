/** The head of a request as it goes out. RFC 9112 3, 6 */
import { encode } from "../../codecs/http/encode.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { OutgoingRequest } from "./client-connection.ts";
import { field } from "./fields.ts";

const EMPTY = new Uint8Array(0);

/** The fields of a request with those that its body asks for. */
export function sentFields(
  request: Pick<OutgoingRequest, "fields" | "body" | "continueTime">,
): readonly Field[] {
  const { body } = request;
  const fields: Field[] = [...request.fields];
  if (body !== undefined && field(fields, "content-length") === undefined) {
    const { length } = body;
    if (length !== undefined) fields.push({ name: "Content-Length", value: String(length) });
    else if (field(fields, "transfer-encoding") === undefined) {
      fields.push({ name: "Transfer-Encoding", value: "chunked" });
    }
  }
  if (request.continueTime !== undefined) fields.push({ name: "Expect", value: "100-continue" });
  return fields;
}

/** @throws EncodeError for what would split the message */
export function encodeRequest(request: OutgoingRequest): Uint8Array {
  return encode({
    kind: "request",
    method: request.method,
    requestTarget: request.target,
    version: request.version ?? "HTTP/1.1",
    fields: sentFields(request),
    body: EMPTY,
    trailers: [],
  });
}
