/** Where bodies go: nowhere, stdout, or files, which have the name `.part` until they are whole. */
import { closeSync, openSync, renameSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { percentDecode } from "../../codecs/http/uri.ts";
import type { IncomingHead } from "../../engines/http/client-connection.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { FetchFlags } from "./flags.ts";
import type { BodyTaker, Wanted } from "./set.ts";

export class Bodies {
  private readonly flags: FetchFlags;
  private readonly wanted: readonly Wanted[];
  private readonly files = new Map<number, { fd: number; path: string }>();

  constructor(flags: FetchFlags, wanted: readonly Wanted[]) {
    this.flags = flags;
    this.wanted = wanted;
  }

  taker(): BodyTaker {
    return {
      asked: (_index, request) => {
        if (this.flags.verbose) tellRequest(request);
      },
      hop: (_index, { head }) => {
        if (this.flags.verbose) tellHead(head);
      },
      head: (index, head) => {
        if (this.flags.verbose) tellHead(head);
        const path = this.pathOf(index);
        if (path === undefined) return;
        // A response that was cut and asked for again begins anew.
        this.close(index);
        this.files.set(index, { fd: open(`${path}.part`), path });
      },
      data: (index, bytes) => {
        if (this.flags.output === "-" && index === 0) writeAll(1, bytes);
        const file = this.files.get(index);
        if (file !== undefined) writeAll(file.fd, bytes);
      },
      end: (index) => {
        const file = this.files.get(index);
        if (file === undefined) return;
        this.close(index);
        renameSync(`${file.path}.part`, file.path);
      },
    };
  }

  private close(index: number): void {
    const file = this.files.get(index);
    if (file !== undefined) closeSync(file.fd);
    this.files.delete(index);
  }

  /** Parts of what was cut stay. */
  async finish(): Promise<void> {
    for (const index of [...this.files.keys()]) this.close(index);
  }

  private pathOf(index: number): string | undefined {
    const { output } = this.flags;
    if (output !== undefined) return output === "-" || index > 0 ? undefined : output;
    if (!this.flags["remote-name"]) return undefined;
    const { url } = this.wanted[index] ?? {};
    if (url === undefined) return undefined;
    const path = percentDecode(new URL(url).pathname) ?? "";
    // No way out of the folder, whatever the name says.
    const name = basename(path.replaceAll("\0", ""));
    return name === "" || name === "." || name === ".." ? "index.html" : name;
  }
}

function open(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be written (${code})`, EXIT.input);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") continue;
      throw new CommandError(`the body cannot be written (${code})`, EXIT.input);
    }
  }
}

function tellRequest({ method, target, version, fields }: FetchRequest): void {
  const lines = [`> ${method} ${target} ${version ?? "HTTP/1.1"}`];
  for (const { name, value } of fields) lines.push(`> ${name}: ${value}`);
  process.stderr.write(`${lines.join("\n")}\n\n`);
}

function tellHead(head: IncomingHead): void {
  const lines = [`< ${head.version} ${head.statusCode} ${head.reasonPhrase}`];
  for (const { name, value } of head.fields) lines.push(`< ${name}: ${value}`);
  process.stderr.write(`${lines.join("\n")}\n\n`);
}
