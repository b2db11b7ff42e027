/** `--page`: what a page embeds, asked for as soon as a browser could know of it. */
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import type { Timing } from "../../engines/http/fetch/timing.ts";
import { field } from "../../engines/http/fields.ts";
import type { Reference } from "../../engines/http/page/css.ts";
import { styleReferences } from "../../engines/http/page/css.ts";
import { PageScanner } from "../../engines/http/page/html.ts";
import type { BodyTaker, Wanted } from "./set.ts";

/** Objects of one page. */
const MAX_OBJECTS = 2000;
/** A sheet within a sheet within ... */
const MAX_DEPTH = 8;

/** The text of one page or sheet as it comes. */
interface Reading {
  readonly wanted: Wanted;
  readonly depth: number;
  readonly decoder: InstanceType<typeof TextDecoder>;
  readonly scanner: PageScanner | undefined;
  sheet: string;
}

export class PageTaker implements BodyTaker {
  private readonly inner: BodyTaker;
  private readonly make: (url: string) => Wanted | undefined;
  /** All that is fetched, by index, with its depth below the page. */
  private readonly all: { wanted: Wanted; depth: number }[];
  private readonly known: Set<string>;
  private readonly readings = new Map<number, Reading>();
  private readonly fresh = new Map<number, Wanted[]>();

  /** `make`: the request for a URL, undefined where nothing is asked of it. */
  constructor(
    inner: BodyTaker,
    pages: readonly Wanted[],
    make: (url: string) => Wanted | undefined,
  ) {
    this.inner = inner;
    this.make = make;
    this.all = pages.map((wanted) => ({ wanted, depth: 0 }));
    this.known = new Set(pages.map(({ url }) => url));
  }

  asked(...args: Parameters<NonNullable<BodyTaker["asked"]>>): void {
    this.inner.asked?.(...args);
  }

  hop(...args: Parameters<NonNullable<BodyTaker["hop"]>>): void {
    this.inner.hop?.(...args);
  }

  head(index: number, head: IncomingHead, timing: Timing): void {
    this.inner.head(index, head, timing);
    const one = this.all[index];
    const type = field(head.fields, "content-type")?.toLowerCase() ?? "";
    const html = type.startsWith("text/html") || type.startsWith("application/xhtml");
    const sheet = type.startsWith("text/css");
    this.readings.delete(index);
    // Frames are documents of their own: they are fetched, not looked into.
    if (one === undefined || head.statusCode >= 300 || (html ? one.depth > 0 : !sheet)) return;
    const charset = /charset\s*=\s*"?([^\s;"]+)/.exec(type)?.[1];
    this.readings.set(index, {
      ...one,
      decoder: decoderFor(charset),
      scanner: html ? new PageScanner() : undefined,
      sheet: "",
    });
  }

  data(index: number, bytes: Uint8Array): void {
    this.inner.data(index, bytes);
    const reading = this.readings.get(index);
    if (reading === undefined) return;
    this.take(index, reading, reading.decoder.decode(bytes, { stream: true }));
  }

  end(index: number, trailers: Parameters<BodyTaker["end"]>[1]): void {
    this.inner.end(index, trailers);
    const reading = this.readings.get(index);
    if (reading === undefined) return;
    this.take(index, reading, reading.decoder.decode());
    if (reading.scanner === undefined) this.add(index, reading, styleReferences(reading.sheet));
    else this.add(index, reading, reading.scanner.end());
    this.readings.delete(index);
  }

  found(index: number): readonly Wanted[] {
    const found = this.fresh.get(index) ?? [];
    this.fresh.delete(index);
    for (const wanted of found) this.all.push({ wanted, depth: (this.all[index]?.depth ?? 0) + 1 });
    return found;
  }

  private take(index: number, reading: Reading, text: string): void {
    if (reading.scanner === undefined) reading.sheet += text;
    else this.add(index, reading, reading.scanner.push(text));
  }

  private add(index: number, reading: Reading, references: readonly Reference[]): void {
    if (reading.depth >= MAX_DEPTH) return;
    for (const { url } of references) {
      const base = resolved(reading.scanner?.base ?? "", reading.wanted.url) ?? reading.wanted.url;
      const full = resolved(url, base);
      if (full === undefined || this.known.has(full) || this.known.size >= MAX_OBJECTS) continue;
      this.known.add(full);
      const wanted = this.make(full);
      if (wanted === undefined) continue;
      const list = this.fresh.get(index);
      const { origin } = reading.wanted.request;
      const request = { ...wanted.request, initiator: origin };
      const one = { ...wanted, request, initiator: reading.wanted.url };
      if (list === undefined) this.fresh.set(index, [one]);
      else list.push(one);
    }
  }
}

/** Undefined for what is not fetched by HTTP. */
function resolved(reference: string, base: string): string | undefined {
  if (!URL.canParse(reference, base)) return undefined;
  const url = new URL(reference, base);
  url.hash = "";
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : undefined;
}

function decoderFor(charset: string | undefined): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset ?? "utf-8");
  } catch {
    return new TextDecoder(); // A charset that nobody knows: read as the default.
  }
}
