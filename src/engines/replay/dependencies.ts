/** Which object made the client ask for which. */
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { latin1 } from "../../codecs/reader.ts";
import { concat } from "../../codecs/writer.ts";
import { field, listMembers } from "../http/fields.ts";
import { styleReferences } from "../http/page/css.ts";
import { PageScanner } from "../http/page/html.ts";
import type { Exchange, OnNote } from "./exchanges.ts";
import type { Fetched } from "./pages.ts";
import { isDocument } from "./pages.ts";
import type { Dependency } from "./workload.ts";

/** A body that unpacks to more than this is not looked into. */
const MAX_UNPACKED = 32 * 1024 * 1024;
/** A page is guessed to hang on one of its first documents. */
const MOST_DOCUMENTS = 16;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What each document and sheet names, by its address: a reload has no bodies of its own. */
export class References {
  private readonly byUrl = new Map<string, ReadonlySet<string>>();
  private readonly note: OnNote;

  constructor(note: OnNote) {
    this.note = note;
  }

  of(one: Fetched): ReadonlySet<string> | undefined {
    const own = this.read(one);
    if (own !== undefined) this.byUrl.set(one.url, own);
    return this.byUrl.get(one.url);
  }

  private read({ exchange, url }: Fetched): ReadonlySet<string> | undefined {
    if (exchange.body === undefined || exchange.body.length === 0) return undefined;
    const bytes = this.unpacked(concat(exchange.body), exchange, url);
    if (bytes === undefined) return undefined;
    const text = latin1(bytes, 0, bytes.length);
    const found = new Set<string>();
    const type = field(exchange.responseFields, "content-type") ?? "";
    if (/css/i.test(type)) {
      for (const reference of styleReferences(text)) add(found, reference.url, url);
      return found;
    }
    const scanner = new PageScanner();
    const references = [...scanner.push(text), ...scanner.end()];
    const base = resolved(scanner.base ?? "", url) ?? url;
    for (const reference of references) add(found, reference.url, base);
    return found;
  }

  private unpacked(bytes: Uint8Array, exchange: Exchange, url: string): Uint8Array | undefined {
    const codings = listMembers(field(exchange.responseFields, "content-encoding"));
    let plain = bytes;
    const options = { maxOutputLength: MAX_UNPACKED };
    try {
      for (const coding of codings.reverse()) {
        const name = coding.toLowerCase();
        if (name === "identity") continue;
        if (name === "gzip" || name === "x-gzip") plain = gunzipSync(plain, options);
        else if (name === "deflate") plain = inflateSync(plain, options);
        else if (name === "br") plain = brotliDecompressSync(plain, options);
        else {
          this.note(
            "body.coding",
            `the coding "${name}" of ${url} is not read: what it names is not known`,
          );
          return undefined;
        }
      }
    } catch (error) {
      this.note(
        "body.coding",
        `the body of ${url} cannot be unpacked: ${(error as Error).message}`,
      );
      return undefined;
    }
    return plain;
  }
}

function add(found: Set<string>, reference: string, base: string): void {
  const url = resolved(reference, base);
  if (url !== undefined) found.add(url);
}

export function resolved(reference: string, base: string): string | undefined {
  if (!URL.canParse(reference, base)) return undefined;
  const url = new URL(reference, base);
  url.hash = "";
  return url.href;
}

/** Parents of each member of a page, in order of their requests. */
export function dependenciesOf(page: readonly Fetched[], references: References): Dependency[][] {
  const naming = new Index();
  const byUrl = new Index();
  const documents: number[] = [];
  for (const [id, one] of page.entries()) {
    byUrl.add(one.url, id);
    for (const url of references.of(one) ?? []) naming.add(url, id);
    const { status } = one.exchange;
    if (isDocument(one) && (status < 300 || status === 304)) documents.push(id);
  }
  const redirects = redirectsOf(page);
  return page.map((child, id) => {
    const redirect = redirectedFrom(page, child, redirects.get(child.url));
    if (redirect !== undefined) return [redirect];
    const named = earliest(page, child, id, naming.get(child.url));
    if (named >= 0) {
      return [{ id: named, why: "reference", certainty: "high", ...after(page, named, child) }];
    }
    const referring = earliest(page, child, id, byUrl.get(refererOf(child) ?? ""));
    if (referring >= 0) {
      return [
        { id: referring, why: "referer", certainty: "medium", ...after(page, referring, child) },
      ];
    }
    // Nothing names it. After a document it was asked for because of it, most likely; among objects
    // of which none is a document the order is the strategy's, and tells nothing of what they need.
    const document = earliest(page, child, id, documents.slice(0, MOST_DOCUMENTS), true);
    if (document < 0) return [];
    return [{ id: document, why: "timing", certainty: "low", ...after(page, document, child) }];
  });
}

/** Members of a page by an address. */
class Index {
  private readonly ids = new Map<string, number[]>();

  add(url: string, id: number): void {
    const list = this.ids.get(url);
    if (list === undefined) this.ids.set(url, [id]);
    else list.push(id);
  }

  get(url: string): readonly number[] {
    return this.ids.get(url) ?? [];
  }
}

/** The first that could have told the client: its response had begun. */
function earliest(
  page: readonly Fetched[],
  child: Fetched,
  id: number,
  candidates: readonly number[],
  beforeOnly = false,
): number {
  let best = -1;
  for (const parent of candidates) {
    if (parent === id || (beforeOnly && parent > id)) continue;
    const { exchange } = page[parent] as Fetched;
    if (!(exchange.firstByteMs <= child.exchange.startMs)) continue;
    if (best < 0 || exchange.firstByteMs < (page[best] as Fetched).exchange.firstByteMs) {
      best = parent;
    }
  }
  return best;
}

function redirectsOf(page: readonly Fetched[]): Index {
  const found = new Index();
  for (const [id, { exchange, url }] of page.entries()) {
    if (!REDIRECTS.has(exchange.status)) continue;
    const location = field(exchange.responseFields, "location");
    const to = location === undefined ? undefined : resolved(location, url);
    if (to !== undefined) found.add(to, id);
  }
  return found;
}

/** The last that led to it. */
function redirectedFrom(
  page: readonly Fetched[],
  child: Fetched,
  candidates: readonly number[],
): Dependency | undefined {
  const id = candidates.findLast((parent) => {
    const one = page[parent] as Fetched;
    return one !== child && one.exchange.endMs <= child.exchange.startMs;
  });
  return id === undefined
    ? undefined
    : { id, why: "redirect", certainty: "high", afterBytes: null };
}

function refererOf({ exchange, url }: Fetched): string | undefined {
  const value = field(exchange.fields, "referer");
  return value === undefined ? undefined : resolved(value, url);
}

/** How much of the parent the client had when it asked, or opened the connection to ask on. */
function after(
  page: readonly Fetched[],
  parent: number,
  child: Fetched,
): { afterBytes: number | null } {
  const { exchange } = page[parent] as Fetched;
  const { handshake } = child.connection;
  const opened = child.place === 0 && handshake !== undefined ? handshake.synMs : undefined;
  const asked =
    opened !== undefined && opened > exchange.firstByteMs ? opened : child.exchange.startMs;
  if (asked >= exchange.endMs || exchange.progress.length === 0) return { afterBytes: null };
  let bytes = 0;
  for (const [at, sum] of exchange.progress) if (at <= asked) bytes = sum;
  return { afterBytes: bytes };
}
