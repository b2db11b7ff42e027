/** `--admin`: statistics of the edges; POST to purge, and to push before anybody asks. */
import { utf8Bytes } from "../../codecs/writer.ts";
import type { CdnEdge, Pushed } from "../../engines/http/cdn/edge.ts";
import { siteOf } from "../../engines/http/cdn/edge.ts";
import type { Exchange } from "../../engines/http/exchange.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";

const JSON_TYPE = [{ name: "Content-Type", value: "application/json" }];

function answer(exchange: Exchange, statusCode: number, body: object): void {
  exchange.respond({ statusCode, fields: JSON_TYPE }, utf8Bytes(`${JSON.stringify(body)}\n`));
}

/** `GET /stats`, `POST /purge?url=URL`, `POST /push?url=URL`. */
export function adminHandler(
  edges: readonly CdnEdge[],
  sites: ReadonlyMap<string, Origin>,
): RequestHandler {
  return (exchange) => {
    const { method, target } = exchange.request;
    // Not by `new URL`: it throws for what a client may well send, such as `//`.
    const pathname = target.split("?", 1)[0] as string;
    const url = new URLSearchParams(target.slice(pathname.length)).get("url") ?? "";
    if (pathname === "/stats") {
      answer(exchange, 200, { edges: edges.map((edge) => edge.stats()) });
      return;
    }
    if (pathname !== "/purge" && pathname !== "/push") {
      answer(exchange, 404, { error: "GET /stats, POST /purge?url=, POST /push?url=" });
      return;
    }
    if (method !== "POST") {
      exchange.respond({ statusCode: 405, fields: [{ name: "Allow", value: "POST" }] });
      return;
    }
    const place = siteOf(url, sites);
    if (place === undefined) {
      answer(exchange, 400, { error: "url is of none of the sites" });
      return;
    }
    const { site, target: path } = place;
    if (pathname === "/purge") {
      const purged = edges.map((edge) => ({ edge: edge.name, removed: edge.purge(site, path) }));
      answer(exchange, 200, { purged });
      return;
    }
    const results: ({ edge: string } & Pushed)[] = [];
    for (const edge of edges) {
      edge.push(site, path, (result) => {
        results.push({ edge: edge.name, ...result });
        if (results.length === edges.length) answer(exchange, 200, { pushed: results });
      });
    }
  };
}
