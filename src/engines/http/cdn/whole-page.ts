/**
 * Parts of pages that the edge changes are not given: their octets are not those of the page that
 * the client would have. It gets the whole page (RFC 9110 14.2: Range may be ignored).
 */
import type { Handling } from "../cache/flow.ts";
import type { Exchange } from "../exchange.ts";
import type { ResponseHead } from "../head.ts";
import type { Delivery } from "../proxy/proxy.ts";
import type { Inside } from "./esi/fragments.ts";

export class WholePage implements Delivery {
  private readonly to: Delivery;
  private readonly exchange: Exchange;
  private readonly changes: (head: ResponseHead) => boolean;
  private readonly fetch: (sink: Parameters<Inside>[2]) => Handling | undefined;
  private instead = false;

  constructor(
    to: Delivery,
    exchange: Exchange,
    changes: (head: ResponseHead) => boolean,
    fetch: (sink: Parameters<Inside>[2]) => Handling | undefined,
  ) {
    this.to = to;
    this.exchange = exchange;
    this.changes = changes;
    this.fetch = fetch;
  }

  start(head: ResponseHead): void {
    if (head.statusCode !== 206 || !this.changes(head)) {
      this.to.start(head);
      return;
    }
    this.instead = true;
    const { exchange, to } = this;
    let begun = false;
    const handling = this.fetch({
      head: (whole) => {
        begun = true;
        to.start(whole);
      },
      data: (bytes) => to.write(bytes),
      end: () => to.end(),
      failed: (why) => {
        if (begun) to.abort();
        else exchange.respondError(502, why.message);
      },
    });
    const { onAbandoned, onDrain } = exchange;
    exchange.onDrain = () => {
      handling?.resume();
      onDrain?.();
    };
    exchange.onAbandoned = (why) => {
      handling?.abort();
      onAbandoned?.(why);
    };
  }

  write(bytes: Uint8Array): boolean {
    return this.instead || this.to.write(bytes);
  }

  end(): void {
    if (!this.instead) this.to.end();
  }

  abort(): void {
    if (!this.instead) this.to.abort();
  }
}
