/** A response on its way to a client: templates become pages, all else passes. */
import { latin1 } from "../../../../codecs/reader.ts";
import { concat, latin1Bytes } from "../../../../codecs/writer.ts";
import type { Exchange } from "../../exchange.ts";
import type { ResponseHead } from "../../head.ts";
import { isBodiless } from "../../head.ts";
import type { Delivery } from "../../proxy/proxy.ts";
import { isTemplate, withoutControl } from "../surrogate.ts";
import { forOne } from "../watermark.ts";
import type { Inside } from "./fragments.ts";
import { Fragments, MAX_BYTES } from "./fragments.ts";
import { Variables } from "./variables.ts";

export interface EsiStats {
  /** Pages that were made, and the fragments in them; and those that could not be made. */
  pages: number;
  fragments: number;
  failed: number;
}

export class EsiPage implements Delivery {
  private readonly to: Delivery;
  private readonly exchange: Exchange;
  private readonly url: string;
  private readonly fragments: Fragments;
  private readonly stats: EsiStats;
  private head: ResponseHead | undefined;
  private pieces: Uint8Array[] = [];
  private bytes = 0;

  constructor(
    to: Delivery,
    exchange: Exchange,
    site: string,
    target: string,
    inside: Inside,
    stats: EsiStats,
  ) {
    this.to = to;
    this.exchange = exchange;
    this.url = `http://${site}${target}`;
    this.stats = stats;
    this.fragments = new Fragments(inside, new Variables(exchange.request.fields, site, target));
  }

  start(head: ResponseHead): void {
    if (head.statusCode !== 200 || !isTemplate(head)) this.to.start(withoutControl(head));
    else if (isBodiless(this.exchange.request.method, head.statusCode)) {
      this.to.start(forOne(withoutControl(head)));
    } else this.head = head;
  }

  write(bytes: Uint8Array): boolean {
    if (this.head === undefined) return this.to.write(bytes);
    this.bytes += bytes.length;
    if (this.bytes <= MAX_BYTES) this.pieces.push(bytes);
    return true;
  }

  end(): void {
    const { head, exchange, fragments, stats } = this;
    if (head === undefined) {
      this.to.end();
      return;
    }
    const { onAbandoned } = exchange;
    exchange.onAbandoned = (why) => {
      fragments.stop();
      onAbandoned?.(why);
    };
    const template = concat(this.pieces);
    this.pieces = [];
    if (this.bytes > MAX_BYTES) {
      this.fail(`a template of more than ${MAX_BYTES} octets`);
      return;
    }
    fragments.page(this.url, latin1(template, 0, template.length), (error, text) => {
      if (exchange.gone) return;
      if (error !== undefined) {
        this.fail(error.message);
        return;
      }
      stats.pages++;
      stats.fragments += fragments.count;
      this.to.start(forOne(withoutControl(head)));
      if (text !== "") this.to.write(latin1Bytes(text));
      this.to.end();
    });
  }

  abort(): void {
    if (this.head === undefined) this.to.abort();
    else this.exchange.respondError(502, "the template was cut on its way here");
  }

  private fail(why: string): void {
    this.stats.failed++;
    this.exchange.respondError(502, `ESI: ${why}`);
  }
}
