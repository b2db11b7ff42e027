/** Fragments of one page, fetched through the edge: each kept by its own freshness. */
import { latin1 } from "../../../../codecs/reader.ts";
import { concat } from "../../../../codecs/writer.ts";
import type { CacheSink, Handling } from "../../cache/flow.ts";
import type { ResponseHead } from "../../head.ts";
import { isTemplate } from "../surrogate.ts";
import { compose } from "./compose.ts";
import { EsiError, parseEsi } from "./template.ts";
import type { Variables } from "./variables.ts";

/** Fragments within fragments. */
const MAX_DEPTH = 5;
const MAX_FRAGMENTS = 256;
/** Octets of all fragments of a page. */
export const MAX_BYTES = 8 * 1024 * 1024;

/** Undefined: that is no site of the edge, or not given without a signature. */
export type Inside = (site: string, target: string, sink: CacheSink) => Handling | undefined;

export class Fragments {
  private readonly inside: Inside;
  private readonly variables: Variables;
  private readonly fetching = new Set<Handling>();
  private left = MAX_FRAGMENTS;
  private bytes = MAX_BYTES;
  private stopped = false;

  constructor(inside: Inside, variables: Variables) {
    this.inside = inside;
    this.variables = variables;
  }

  /** How many were fetched. */
  get count(): number {
    return MAX_FRAGMENTS - this.left;
  }

  /** The page at `url` from its template. */
  page(
    url: string,
    template: string,
    done: (error: Error | undefined, text: string) => void,
  ): void {
    this.fill(template, [url], done);
  }

  /** Nobody waits for them any more. */
  stop(): void {
    this.stopped = true;
    for (const handling of this.fetching) handling.abort();
    this.fetching.clear();
  }

  /** `within`: URLs from the page down to the template. */
  private fill(
    template: string,
    within: readonly string[],
    done: (error: Error | undefined, text: string) => void,
  ): void {
    let nodes: ReturnType<typeof parseEsi>;
    try {
      nodes = parseEsi(template);
    } catch (error) {
      if (!(error instanceof EsiError)) throw error;
      done(new EsiError(`${within.at(-1)}: ${error.message}`), "");
      return;
    }
    const { variables } = this;
    compose(nodes, { variables, fetch: (src, took) => this.fetch(src, within, took) }, done);
  }

  private fetch(
    src: string,
    within: readonly string[],
    done: (error: Error | undefined, text: string) => void,
  ): void {
    const base = within.at(-1) as string;
    const fail = (why: string) => done(new EsiError(`${src}: ${why}`), "");
    if (!URL.canParse(src, base)) return fail("is no URL");
    const url = new URL(src, base);
    url.hash = "";
    if (within.includes(url.href)) return fail("is within itself");
    if (within.length > MAX_DEPTH) return fail(`lies deeper than ${MAX_DEPTH} fragments`);
    if (this.stopped || this.left <= 0) return fail(`is beyond ${MAX_FRAGMENTS} fragments`);
    if (!/^https?:$/.test(url.protocol) || url.port !== "" || url.username !== "")
      return fail("is of no site here");
    this.left--;
    const pieces: Uint8Array[] = [];
    let head: ResponseHead | undefined;
    let over = false;
    let handling: Handling | undefined;
    const finish = (why: string | undefined) => {
      if (over) return;
      over = true;
      if (handling !== undefined) this.fetching.delete(handling);
      if (why !== undefined || head === undefined) return fail(why ?? "gave nothing");
      const body = concat(pieces);
      const text = latin1(body, 0, body.length);
      if (isTemplate(head)) this.fill(text, [...within, url.href], done);
      else done(undefined, text);
    };
    handling = this.inside(url.hostname, `${url.pathname}${url.search}`, {
      head: (one) => {
        head = one;
        if (one.statusCode < 200 || one.statusCode > 299) finish(`answered ${one.statusCode}`);
      },
      data: (bytes) => {
        this.bytes -= bytes.length;
        if (this.bytes < 0) finish("is larger than all fragments may be");
        else if (!over) pieces.push(bytes);
        return true;
      },
      end: () => finish(undefined),
      failed: (why) => finish(why.message),
    });
    if (handling === undefined) finish("is of no site here");
    else if (over) handling.abort();
    else this.fetching.add(handling);
  }
}
