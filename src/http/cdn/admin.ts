/** `--admin`: statistics of the edges; POST to purge, and to push before anybody asks. */
import { utf8Bytes } from "../../codecs/writer.ts";
import type { Host } from "../../engines/host.ts";
import type { CdnEdge } from "../../engines/http/cdn/edge.ts";
import { siteOf } from "../../engines/http/cdn/edge.ts";
import { ClientConnection } from "../../engines/http/client-connection.ts";
import type { Exchange } from "../../engines/http/exchange.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";
import type { EdgeWord } from "./options.ts";

const JSON_TYPE = [{ name: "Content-Type", value: "application/json" }];

function answer(exchange: Exchange, statusCode: number, body: object): void {
  exchange.respond({ statusCode, fields: JSON_TYPE }, utf8Bytes(`${JSON.stringify(body)}\n`));
}

/** `GET /stats`, `POST /purge?url=URL`, `POST /push?url=URL`. */
export function adminHandler(
  host: Host,
  edges: readonly CdnEdge[],
  words: readonly EdgeWord[],
  sites: ReadonlyMap<string, Origin>,
): RequestHandler {
  return (exchange) => {
    const { method, target } = exchange.request;
    const { pathname, searchParams } = new URL(target, "http://admin");
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
    const place = siteOf(searchParams.get("url") ?? "", sites);
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
    const results: { edge: string; statusCode?: number; error?: string }[] = [];
    const tell = (result: (typeof results)[number]) => {
      results.push(result);
      if (results.length === words.length) answer(exchange, 200, { pushed: results });
    };
    for (const word of words) pull(host, word, site, path, tell);
  };
}

/** Has an edge fetch what it does not have, as a client of its own would. */
function pull(
  host: Host,
  { name, at }: EdgeWord,
  site: string,
  target: string,
  done: (result: { edge: string; statusCode?: number; error?: string }) => void,
): void {
  const connection = new ClientConnection(host, { remote: at });
  let statusCode = 0;
  connection.send(
    { method: "GET", target, fields: [{ name: "Host", value: site }] },
    {
      head: (head) => {
        ({ statusCode } = head);
      },
      data: () => {},
      end: () => {
        connection.close();
        done({ edge: name, statusCode });
      },
      cut: (why) => done({ edge: name, error: why.message }),
    },
  );
}
