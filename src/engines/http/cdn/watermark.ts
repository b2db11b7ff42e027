/**
 * The client's address in the pages that it is given, written behind the cache: what is stored has
 * none. The mark stands before `</body>`, or at the end of a page without one.
 */
import { latin1 } from "../../../codecs/reader.ts";
import { latin1Bytes } from "../../../codecs/writer.ts";
import type { Exchange } from "../exchange.ts";
import { field, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { Delivery } from "../proxy/proxy.ts";
import { htmlTokens } from "./html-tokens.ts";
import { plainAddress } from "./limits.ts";

/** What may be the beginning of `</body>` waits for its end, so much of it at most. */
const MOST_HELD = 65_536;

/** A page whose octets can be read here: neither coded nor in a form where `<` has two octets. */
export function isPlainPage({ fields }: ResponseHead): boolean {
  const type = field(fields, "content-type") ?? "";
  return (
    /^[ \t]*text\/html[ \t]*(?:;|$)/i.test(type) &&
    !/charset[ \t]*=[ \t]*"?(?:utf-?16|utf-?32|ucs|iso-2022)/i.test(type) &&
    field(fields, "content-encoding") === undefined
  );
}

export class Marker implements Delivery {
  private readonly to: Delivery;
  private readonly mark: string;
  private readonly onMarked: () => void;
  private marks = false;
  private done = false;
  /** Characters that were read, and not written yet. */
  private held = "";
  /** Characters before them. */
  private before = 0;
  private found: number | undefined;
  private readonly tokenizer = htmlTokens({
    endTag: ({ tagName, location }) => {
      if (tagName === "body" && this.found === undefined) this.found = location?.startOffset;
    },
  });

  constructor(to: Delivery, exchange: Exchange, onMarked: () => void) {
    this.to = to;
    this.onMarked = onMarked;
    const addr = plainAddress(exchange.connection.remote.addr);
    // Addresses have letters, digits, dots, colons, and a zone that `plainAddress` took off.
    this.mark = `<div class="watermark">${addr.replace(/[^0-9A-Za-z.:]/g, "")}</div>`;
  }

  start(head: ResponseHead): void {
    this.marks = head.statusCode === 200 && isPlainPage(head);
    this.to.start(this.marks ? forOne(head) : head);
  }

  write(bytes: Uint8Array): boolean {
    if (!this.marks || this.done) return this.to.write(bytes);
    const text = latin1(bytes, 0, bytes.length);
    this.held += text;
    this.tokenizer.write(text, false);
    if (this.found !== undefined) return this.finish(this.found - this.before);
    const tag = this.held.lastIndexOf("<");
    const keep = tag < 0 || this.held.length - tag > MOST_HELD ? this.held.length : tag;
    return this.emit(keep);
  }

  end(): void {
    if (this.marks && !this.done) {
      this.tokenizer.write("", true);
      this.finish(this.found === undefined ? this.held.length : this.found - this.before);
    }
    this.to.end();
  }

  abort(): void {
    this.to.abort();
  }

  /** Writes what is held up to there. */
  private emit(count: number): boolean {
    const text = this.held.slice(0, count);
    this.held = this.held.slice(count);
    this.before += count;
    return text === "" || this.to.write(latin1Bytes(text));
  }

  private finish(at: number): boolean {
    this.done = true;
    this.onMarked();
    const place = Math.max(0, at);
    this.held = `${this.held.slice(0, place)}${this.mark}${this.held.slice(place)}`;
    return this.emit(this.held.length);
  }
}

/** A page for one client: no other cache may keep it, and no validator of the unmarked page holds for it. */
export function forOne(head: ResponseHead): ResponseHead {
  const kept = without(
    head.fields,
    ...["content-length", "etag", "last-modified", "accept-ranges", "cache-control", "expires"],
    ...["cdn-cache-control", "content-md5", "digest", "content-digest", "repr-digest"],
  );
  return { ...head, fields: [...kept, { name: "Cache-Control", value: "private, no-cache" }] };
}
