/** The parser of HTTP beside llhttp as Node binds it, on a browser's request of 581 octets. */

import type { HttpSink } from "../../src/codecs/http/parser.ts";
import { HttpParser } from "../../src/codecs/http/parser.ts";

const REQUEST = Buffer.from(
  "GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\nHost: www.kittyhell.com\r\nUser-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: ja,en-us;q=0.7,en;q=0.3\r\nAccept-Encoding: gzip,deflate\r\nAccept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\nKeep-Alive: 115\r\nConnection: keep-alive\r\nCookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.x\r\n\r\n",
);
const COUNT = 300_000;
const ROUNDS = 5;

const QUIET: HttpSink = {
  begin: () => {},
  requestMethod: () => undefined,
  answersSimpleRequest: () => false,
  head: () => {},
  body: () => {},
  chunk: () => {},
  trailers: () => {},
  end: () => {},
  issue: () => {},
};

function lazy(): void {
  const parser = new HttpParser("request", QUIET, true);
  for (let i = 0; i < COUNT; i++) parser.push(REQUEST, 0, REQUEST.length);
}

let seen = 0;
function strings(): void {
  const parser = new HttpParser(
    "request",
    {
      ...QUIET,
      head: (head) => {
        seen += head.fields().length + head.target.length;
      },
    },
    true,
  );
  for (let i = 0; i < COUNT; i++) parser.push(REQUEST, 0, REQUEST.length);
}

/** In segments of one octet. */
function bytewise(): void {
  const parser = new HttpParser("request", QUIET, true);
  for (let n = 0; n < COUNT / 20; n++) {
    for (let i = 0; i < REQUEST.length; i++) parser.push(REQUEST, i, i + 1);
  }
}

interface Llhttp {
  new (): {
    initialize(type: number, resource: object): void;
    execute(bytes: Buffer): number | Error;
    [event: number]: (...args: unknown[]) => unknown;
  };
  readonly REQUEST: number;
  readonly kOnHeadersComplete: number;
  readonly kOnMessageComplete: number;
}

function llhttp(): void {
  const { HTTPParser } = (
    process as unknown as { binding(name: string): { HTTPParser: Llhttp } }
  ).binding("http_parser");
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  parser[HTTPParser.kOnHeadersComplete] = (...args) => {
    seen += args.length;
  };
  parser[HTTPParser.kOnMessageComplete] = () => {};
  for (let i = 0; i < COUNT; i++) parser.execute(REQUEST);
}

function timeOf(run: () => void): number {
  const started = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(started);
  return user + system;
}

const runs = { lazy, strings, llhttp, bytewise };
for (const run of Object.values(runs)) run();
const best = Object.fromEntries(
  Object.entries(runs).map(([name, run]) => [
    name,
    Math.min(...Array.from({ length: ROUNDS }, () => timeOf(run))),
  ]),
) as Record<keyof typeof runs, number>;

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(40)} ${text}\n`);
}
line(
  "parser, nothing asked of the head",
  `${(best.llhttp / best.lazy).toFixed(2)} x llhttp (target >= 1.7, stretch 2)`,
);
line("parser, all strings", `${(best.llhttp / best.strings).toFixed(2)} x llhttp (target >= 1.2)`);
const megabytes = (COUNT / 20) * REQUEST.length;
line(
  "parser, segments of one octet",
  `${(megabytes / best.bytewise).toFixed(0)} MB/s (target >= 50)`,
);
if (seen === 0) throw new Error("nothing was parsed");
