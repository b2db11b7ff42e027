/** Where bodies go: nowhere, stdout, or files, which have the name `.part` until they are whole. */
import { basename } from "node:path";
import { percentDecode } from "../../codecs/http/uri.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import type { Timing } from "../../engines/http/fetch/timing.ts";
import { sentFields } from "../../engines/http/request-head.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { connectingText } from "../../render/http/connecting.ts";
import { Progress } from "../../render/progress.ts";
import type { Checksum } from "./checksum.ts";
import { checksumOf } from "./checksum.ts";
import { saveEtag } from "./conditions.ts";
import type { FetchFlags } from "./flags.ts";
import type { Resume } from "./part-file.ts";
import { PartFile, partOnDisk, writeAll } from "./part-file.ts";
import type { BodyTaker, Wanted } from "./set.ts";
import { bytesOf, strategyOf } from "./settings.ts";
import { targetOf } from "./target.ts";

export class Bodies {
  private readonly flags: FetchFlags;
  private readonly wanted: readonly Wanted[];
  private readonly resumes: readonly (Resume | undefined)[];
  private readonly files = new Map<number, PartFile>();
  private readonly most: number;
  private readonly sizes = new Map<number, number>();
  private written = 0;
  private readonly progress: Progress;
  private readonly checksum: Checksum | undefined;
  /** Octets that came, and that were announced. */
  private came = 0;
  private sum = 0;

  constructor(flags: FetchFlags, wanted: readonly Wanted[]) {
    this.flags = flags;
    this.checksum = flags.checksum === undefined ? undefined : checksumOf(flags.checksum);
    this.progress = new Progress(!flags.silent);
    this.most =
      flags["max-filesize"] === undefined
        ? Number.POSITIVE_INFINITY
        : bytesOf("max-filesize", flags["max-filesize"]);
    this.resumes = wanted.map(({ url }) => resumeOf(flags, pathOf(flags, url)));
    if (flags.output !== undefined && flags.output !== "-") targetOf(flags.output);
    this.wanted = wanted.map((one, i) => ranged(one, this.resumes[i]));
  }

  /** What is asked for, with the ranges that are still missing. */
  get requests(): readonly Wanted[] {
    return this.wanted;
  }

  /** Files whose body was cut, with what there is of them. */
  get left(): string[] {
    return [...this.files.values()].flatMap(({ part }) => part ?? []);
  }

  taker(): BodyTaker {
    const { verbose, fail } = this.flags;
    const { keep } = strategyOf(this.flags);
    const include = this.flags.include || this.flags.head;
    return {
      asked: (_index, request) => {
        if (verbose) process.stderr.write(`${requestText(request, keep)}\n\n`);
      },
      hop: (_index, { head, timing }) => {
        if (verbose) process.stderr.write(`${connectedText(timing)}${headText(head, "< ")}\n\n`);
      },
      head: (index, head, timing) => {
        if (verbose) process.stderr.write(`${connectedText(timing)}${headText(head, "< ")}\n\n`);
        this.limit(index, 0, head.length ?? 0);
        const etag = this.flags["etag-save"];
        if (etag !== undefined && index === 0) saveEtag(etag, head);
        if (include && this.toStdout(index)) {
          this.print(
            Buffer.from(`${headText(head, "").replaceAll("\n", "\r\n")}\r\n\r\n`, "latin1"),
          );
        }
        // With --fail the text of an error is not the file.
        if (fail && head.statusCode >= 400 && head.statusCode !== 416) return;
        // RFC 9110 15.4.5: a 304 leaves the file that is there as it is.
        if (head.statusCode === 304) return;
        this.fileFor(index)?.begin(head);
        this.sum += head.length ?? 0;
        if (this.toStdout(index) && this.written > 0 && !include) {
          throw new CommandError(
            "the body begins anew, and a part of it is on stdout",
            EXIT.network,
          );
        }
      },
      data: (index, bytes) => {
        this.limit(index, bytes.length, 0);
        if (this.toStdout(index)) this.print(bytes);
        this.files.get(index)?.write(bytes);
        this.progress.update((this.came += bytes.length), this.sum);
      },
      end: (index) => {
        const file = this.files.get(index);
        if (this.checksum !== undefined && index === 0) file?.verify(this.checksum);
        file?.end();
        this.files.delete(index);
      },
    };
  }

  /** Parts of what was cut stay. */
  finish(): void {
    this.progress.clear();
    for (const file of this.files.values()) file.close();
  }

  private toStdout(index: number): boolean {
    return this.flags.output === "-" && index === 0;
  }

  private print(bytes: Uint8Array): void {
    writeAll(1, bytes, "stdout");
    this.written += bytes.length;
  }

  private fileFor(index: number): PartFile | undefined {
    const known = this.files.get(index);
    const { url } = this.wanted[index] ?? {};
    const path = url === undefined ? undefined : pathOf(this.flags, url);
    if (
      known !== undefined ||
      path === undefined ||
      (this.flags.output !== undefined && index > 0)
    ) {
      return known;
    }
    const file = new PartFile(path, this.resumes[index]);
    this.files.set(index, file);
    return file;
  }

  private limit(index: number, more: number, told: number): void {
    const size = (this.sizes.get(index) ?? 0) + more;
    this.sizes.set(index, more === 0 ? 0 : size);
    if (Math.max(size, told) > this.most) {
      const { url = "" } = this.wanted[index] ?? {};
      throw new CommandError(`${url}: larger than --max-filesize`, EXIT.negative);
    }
  }
}

/** The file of a URL's body, undefined for none. */
export function pathOf(flags: FetchFlags, url: string): string | undefined {
  const { output } = flags;
  if (output !== undefined) return output === "-" ? undefined : output;
  if (!flags["remote-name"]) return undefined;
  const path = percentDecode(new URL(url).pathname) ?? "";
  // No way out of the folder, whatever the name says.
  const name = basename(path.replaceAll("\0", ""));
  return name === "" || name === "." || name === ".." ? "index.html" : name;
}

function resumeOf(flags: FetchFlags, path: string | undefined): Resume | undefined {
  const at = flags["continue-at"];
  if (at === undefined) return undefined;
  if (path === undefined)
    throw new CommandError("--continue-at goes with --output FILE or --remote-name");
  if (at === "-") return partOnDisk(path);
  if (!/^[0-9]{1,15}$/.test(at))
    throw new CommandError(`--continue-at ${at}: write a number of octets, or -`);
  return { at: Number(at), validator: undefined };
}

/** RFC 9110 13.1.5: the rest, if the representation is still the one that the part is of. */
function ranged(wanted: Wanted, resume: Resume | undefined): Wanted {
  if (resume === undefined || resume.at === 0) return wanted;
  const fields = [...wanted.request.fields, { name: "Range", value: `bytes=${resume.at}-` }];
  if (resume.validator !== undefined) fields.push({ name: "If-Range", value: resume.validator });
  return { ...wanted, request: { ...wanted.request, fields } };
}

function requestText(request: FetchRequest, keep: boolean): string {
  const { method, target, version } = request;
  const lines = [`> ${method} ${target} ${version ?? "HTTP/1.1"}`];
  const fields = keep
    ? request.fields
    : [...request.fields, { name: "Connection", value: "close" }];
  for (const { name, value } of sentFields({ ...request, fields }))
    lines.push(`> ${name}: ${value}`);
  return lines.join("\n");
}

/** A line where a connection was opened for it. */
function connectedText({ connect }: Timing): string {
  return connect === undefined ? "" : `* ${connectingText(connect)}\n`;
}

function headText(head: IncomingHead, before: string): string {
  const lines = [`${before}${head.version} ${head.statusCode} ${head.reasonPhrase}`];
  for (const { name, value } of head.fields) lines.push(`${before}${name}: ${value}`);
  return lines.join("\n");
}
