/** Files of a folder as resources. RFC 9110 8, 9.3.1, 13, 14. */
import { lookup as typeOf } from "mrmime";
import type { Field } from "../../../codecs/http/message.ts";
import { latin1Bytes, utf8Bytes } from "../../../codecs/writer.ts";
import type { DiskFile, FileStat, Host } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import { precondition, rangeStillHolds } from "../conditions.ts";
import { httpDate } from "../date.ts";
import type { Exchange } from "../exchange.ts";
import { preparedHead } from "../exchange.ts";
import type { ByteRange } from "../ranges.ts";
import { contentRange, parseRanges } from "../ranges.ts";
import { folderPage } from "./folder-page.ts";
import type { KeptFile } from "./kept-files.ts";
import { fileInMemory, KeptFiles, MAX_KEPT_BYTES } from "./kept-files.ts";
import { segmentsOf } from "./path.ts";

const PIECE_BYTES = 64 * 1024;
/** How long what is known of a file is taken to hold without a look. */
const TRUST = 100 * MILLISECOND;

export interface FilesOptions {
  readonly root: string;
  /** Names tried where a folder is asked for; default `index.html`. */
  readonly index?: readonly string[];
  /** Whether a folder without an index is listed. */
  readonly list?: boolean;
  /** Added to each answer that is a file. */
  readonly fields?: readonly Field[];
}

export class Files {
  private readonly host: Host;
  private readonly options: FilesOptions;
  private readonly kept = new KeptFiles();
  /** With every link followed, once known. */
  private realRoot: string | undefined = undefined;

  constructor(host: Host, options: FilesOptions) {
    this.host = host;
    this.options = options;
  }

  handle(exchange: Exchange): void {
    const { method, target } = exchange.request;
    if (method === "GET" || method === "HEAD") {
      const kept = this.kept.get(target);
      if (kept !== undefined && this.host.clock.now() - kept.checked <= TRUST) {
        this.fromMemory(exchange, kept);
        return;
      }
    }
    if (method === "OPTIONS") {
      exchange.respond({
        statusCode: 204,
        fields: [{ name: "Allow", value: "GET, HEAD, OPTIONS" }],
      });
      return;
    }
    if (method !== "GET" && method !== "HEAD") {
      const known = ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"].includes(method);
      const fields = [{ name: "Allow", value: "GET, HEAD, OPTIONS" }];
      exchange.respond({ statusCode: known ? 405 : 501, fields });
      return;
    }
    const place = segmentsOf(target);
    if (typeof place === "number") {
      exchange.respondError(place, place === 404 ? "not found" : "a path that leads nowhere");
      return;
    }
    this.inRoot(place.segments, (stat) => {
      if (stat === undefined || (stat.kind === "file" && place.folder)) {
        exchange.respondError(404, "not found");
      } else if (stat.kind === "folder") {
        if (place.folder) this.folder(exchange, stat, place.segments);
        else redirect(exchange, target);
      } else this.file(exchange, stat);
    });
  }

  /** What is there, if it is below the root when every link is followed. */
  private inRoot(segments: readonly string[], done: (stat: FileStat | undefined) => void): void {
    const { disk } = this.host;
    const { root } = this.options;
    const find = (realRoot: string) => {
      disk.stat([root, ...segments].join("/"), (error, stat) => {
        const inside =
          stat !== undefined &&
          (stat.realPath === realRoot ||
            stat.realPath.startsWith(realRoot.endsWith("/") ? realRoot : `${realRoot}/`));
        done(error === null && inside && stat.kind !== "other" ? stat : undefined);
      });
    };
    if (this.realRoot !== undefined) {
      find(this.realRoot);
      return;
    }
    disk.stat(root, (error, stat) => {
      if (error !== null || stat === undefined) {
        done(undefined);
        return;
      }
      this.realRoot = stat.realPath;
      find(stat.realPath);
    });
  }

  private folder(exchange: Exchange, stat: FileStat, segments: readonly string[]): void {
    const names = this.options.index ?? ["index.html"];
    const next = (i: number) => {
      const name = names[i];
      if (name === undefined) {
        this.listing(exchange, stat, segments);
        return;
      }
      this.inRoot([...segments, name], (found) => {
        if (found?.kind === "file") this.file(exchange, found);
        else next(i + 1);
      });
    };
    next(0);
  }

  private listing(exchange: Exchange, stat: FileStat, segments: readonly string[]): void {
    if (this.options.list === false) {
      exchange.respondError(404, "not found");
      return;
    }
    this.host.disk.list(stat.realPath, (error, names) => {
      if (error !== null || names === undefined) {
        exchange.respondError(404, "not found");
        return;
      }
      const shown = names.filter((name) => !name.startsWith("."));
      const fields = [{ name: "Content-Type", value: "text/html; charset=utf-8" }];
      exchange.respond({ statusCode: 200, fields }, utf8Bytes(folderPage(segments, shown)));
    });
  }

  private file(exchange: Exchange, stat: FileStat): void {
    const { target } = exchange.request;
    const kept = this.kept.get(target);
    if (kept !== undefined && sameFile(kept.stat, stat)) {
      kept.checked = this.host.clock.now();
      this.fromMemory(exchange, kept);
    } else if (stat.size <= MAX_KEPT_BYTES) this.keep(exchange, stat);
    else this.fromDisk(exchange, stat);
  }

  /** Reads a small file whole, to answer this and the next requests from memory. */
  private keep(exchange: Exchange, stat: FileStat): void {
    const { target } = exchange.request;
    const checked = this.host.clock.now();
    this.host.disk.open(stat.realPath, "read", (error, file) => {
      if (error !== null || file === undefined) {
        exchange.respondError(error?.code === "EACCES" ? 403 : 404, "it cannot be read");
        return;
      }
      file.read(0, stat.size + 1, (failed, body) => {
        file.close();
        if (failed !== null || body === undefined || body.length !== stat.size) {
          // It changed between the look and the reading.
          if (!exchange.gone) this.fromDisk(exchange, stat);
          return;
        }
        const head = preparedHead([
          ...this.fieldsOf(stat),
          ACCEPT_RANGES,
          ...whole(contentType(stat.realPath), stat.size),
        ]);
        const kept = { stat, body, head, checked };
        this.kept.set(target, kept);
        if (!exchange.gone) this.fromMemory(exchange, kept);
      });
    });
  }

  private fromMemory(exchange: Exchange, kept: KeptFile): void {
    const { request } = exchange;
    // Copies for many requests at once would wait for a client that may not read.
    if (!exchange.isFirst) {
      exchange.onTurn = () => this.fromMemory(exchange, kept);
      return;
    }
    if (request.method === "GET" && !isConditional(request.fields)) {
      exchange.respondPrepared(200, kept.head, kept.body);
    } else this.answer(exchange, kept.stat, kept.body);
  }

  private fromDisk(exchange: Exchange, stat: FileStat): void {
    this.answer(exchange, stat, undefined);
  }

  private fieldsOf(stat: FileStat): Field[] {
    return [
      { name: "Last-Modified", value: httpDate(stat.modifiedMs) },
      { name: "ETag", value: etagOf(stat) },
      ...(this.options.fields ?? []),
    ];
  }

  private answer(exchange: Exchange, stat: FileStat, body: Uint8Array | undefined): void {
    const { disk, clock } = this.host;
    const { request } = exchange;
    const validators = { etag: etagOf(stat), lastModifiedMs: stat.modifiedMs };
    const fields = this.fieldsOf(stat);
    const verdict = precondition(request.method, request.fields, validators, true, clock.wallMs());
    if (verdict !== "go on") {
      exchange.respond({ statusCode: verdict, fields });
      return;
    }
    const type = contentType(stat.realPath);
    const asked = request.method === "GET" ? exchange.field("range") : undefined;
    const holds =
      asked !== undefined && rangeStillHolds(request.fields, validators, clock.wallMs());
    const ranges = holds ? parseRanges(asked, stat.size) : undefined;
    fields.push(ACCEPT_RANGES);
    if (ranges?.length === 0) {
      exchange.respond({
        statusCode: 416,
        fields: [...fields, { name: "Content-Range", value: `bytes */${stat.size}` }],
      });
      return;
    }
    if (request.method === "HEAD") {
      exchange.start({ statusCode: 200, fields: [...fields, ...whole(type, stat.size)] });
      exchange.end();
      return;
    }
    const send = (file: DiskFile) => {
      if (ranges === undefined) {
        exchange.start({ statusCode: 200, fields: [...fields, ...whole(type, stat.size)] });
        sendParts(exchange, file, [{ first: 0, last: stat.size - 1 }]);
      } else if (ranges.length === 1) {
        const [range] = ranges as [ByteRange];
        const told = [
          ...fields,
          ...whole(type, range.last - range.first + 1),
          { name: "Content-Range", value: contentRange(range, stat.size) },
        ];
        exchange.start({ statusCode: 206, fields: told });
        sendParts(exchange, file, [range]);
      } else this.multipart(exchange, file, ranges, fields, type, stat.size);
    };
    if (body !== undefined) {
      send(fileInMemory(body));
      return;
    }
    disk.open(stat.realPath, "read", (error, file) => {
      if (error === null && file !== undefined) send(file);
      else exchange.respondError(error?.code === "EACCES" ? 403 : 404, "it cannot be read");
    });
  }

  /** RFC 9110 14.6 */
  private multipart(
    exchange: Exchange,
    file: DiskFile,
    ranges: readonly ByteRange[],
    fields: readonly Field[],
    type: string,
    size: number,
  ): void {
    const { random } = this.host;
    const boundary = `${random.u32().toString(36)}${random.u32().toString(36)}`;
    const heads = ranges.map((range, i) =>
      latin1Bytes(
        `${i === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, size)}\r\n\r\n`,
      ),
    );
    const tail = latin1Bytes(`\r\n--${boundary}--\r\n`);
    const length = ranges.reduce(
      (sum, { first, last }, i) => sum + last - first + 1 + (heads[i] as Uint8Array).length,
      tail.length,
    );
    exchange.start({
      statusCode: 206,
      fields: [...fields, ...whole(`multipart/byteranges; boundary=${boundary}`, length)],
    });
    sendParts(exchange, file, ranges, heads, tail);
  }
}

const ACCEPT_RANGES: Field = { name: "Accept-Ranges", value: "bytes" };

function etagOf(stat: FileStat): string {
  return `"${stat.size.toString(16)}-${Math.floor(stat.modifiedMs).toString(16)}"`;
}

function sameFile(a: FileStat, b: FileStat): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs && a.realPath === b.realPath;
}

/** Whether a request may get anything but the whole file. */
function isConditional(fields: readonly Field[]): boolean {
  for (const { name } of fields) {
    const first = name.charCodeAt(0) | 0x20;
    if ((first === 0x69 || first === 0x72) && /^(?:if-|range$)/i.test(name)) return true;
  }
  return false;
}

function whole(type: string, length: number): Field[] {
  return [
    { name: "Content-Type", value: type },
    { name: "Content-Length", value: String(length) },
  ];
}

function redirect(exchange: Exchange, target: string): void {
  const [path = "", query] = target.split("?", 2);
  // The path alone, and never one that begins with two slashes: that would name another server.
  const location = `${path.replace(/^\/+/, "/")}/${query === undefined ? "" : `?${query}`}`;
  exchange.respond({ statusCode: 301, fields: [{ name: "Location", value: location }] });
}

export function contentType(path: string): string {
  const type = typeOf(path) ?? "application/octet-stream";
  return type.startsWith("text/") || type.endsWith("javascript") || type.endsWith("json")
    ? `${type}; charset=utf-8`
    : type;
}

/** Parts of a file one after the other, no faster than they are taken. */
function sendParts(
  exchange: Exchange,
  file: DiskFile,
  ranges: readonly ByteRange[],
  heads: readonly Uint8Array[] = [],
  tail?: Uint8Array,
): void {
  let part = -1;
  let at = 0;
  let last = -1;
  const step = (): void => {
    exchange.onDrain = undefined;
    if (at > last) {
      part++;
      const range = ranges[part];
      if (range === undefined) {
        file.close();
        if (tail !== undefined) exchange.write(tail);
        exchange.end();
        return;
      }
      ({ first: at, last } = range);
      const head = heads[part];
      if (head !== undefined) exchange.write(head);
      step();
      return;
    }
    file.read(at, Math.min(PIECE_BYTES, last - at + 1), (error, piece) => {
      if (exchange.gone) {
        file.close();
        return;
      }
      // The file became shorter, or cannot be read: the client must not take this for the whole.
      if (error !== null || piece === undefined || piece.length === 0) {
        file.close();
        exchange.abort();
        return;
      }
      at += piece.length;
      if (exchange.write(piece)) step();
      else exchange.onDrain = step;
    });
  };
  exchange.onAbandoned = () => {
    if (exchange.onDrain !== undefined) file.close();
  };
  // Behind other responses nothing is gained by reading ahead.
  if (exchange.isFirst) step();
  else exchange.onDrain = step;
}
