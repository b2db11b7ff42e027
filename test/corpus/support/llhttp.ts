/** Reads the cases of llhttp's test documents: bytes, and what llhttp saw in them. */
export interface LlhttpCase {
  readonly name: string;
  /** `request`, `response`, or the name of a lenient mode. */
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Methods and statuses, in order. */
  readonly starts: readonly string[];
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly complete: number;
  readonly error: string | undefined;
}

const BLOCK =
  /<!-- meta=(\{.*?\}) -->\s*```http\n([\s\S]*?)```(?:(?!```)[\s\S])*```log\n([\s\S]*?)```/g;

/** llhttp's own notation: line ends are CRLF, a trailing backslash joins lines, C escapes. */
function wire(text: string): Uint8Array {
  const raw = text
    .replace(/\n$/, "")
    .replace(/\\\n/g, "")
    .replace(/\n/g, "\r\n")
    .replace(/\\r/g, "\r")
    .replace(/\\n/g, "\n")
    .replace(/\\t/g, "\t")
    .replace(/\\f/g, "\f")
    .replace(/\\x([0-9a-fA-F]+)/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return new Uint8Array(Buffer.from(raw, "latin1"));
}

/** Spans may be told in several pieces; they are joined until the part is complete. */
function seen(log: string): Pick<LlhttpCase, "starts" | "fields" | "body" | "complete" | "error"> {
  const starts: string[] = [];
  const fields: [string, string][] = [];
  let [method, status, name, value, body] = ["", "", "", "", ""];
  let complete = 0;
  let error: string | undefined;
  for (const line of log.split("\n")) {
    const span = /span\[(\w+)\]="(.*)"$/.exec(line);
    if (span !== null) {
      const [, part, quoted] = span as unknown as [string, string, string];
      const text = quoted.replace(/\\(.)/g, "$1");
      if (part === "method") method += text;
      if (part === "header_field") name += text;
      if (part === "header_value") value += text;
      if (part === "body") body += text;
      continue;
    }
    status = /status=(\d+)/.exec(line)?.[1] ?? status;
    if (/ header_value complete/.test(line)) {
      fields.push([name, value]);
      [name, value] = ["", ""];
    }
    if (/headers complete/.test(line)) {
      starts.push(/method=\d+/.test(line) && method !== "" ? method : status);
      method = "";
    }
    if (/message complete/.test(line)) complete++;
    error = /error code=\d+ reason="(.*)"/.exec(line)?.[1] ?? error;
  }
  return { starts, fields, body, complete, error };
}

export function llhttpCases(document: string): LlhttpCase[] {
  const cases: LlhttpCase[] = [];
  for (const found of document.matchAll(BLOCK)) {
    const [, meta, http, log] = found as unknown as [string, string, string, string];
    const heading = document.slice(0, found.index).match(/^#{2,4} .*$/gm);
    cases.push({
      name: (heading?.at(-1) ?? "").replace(/^#+ /, ""),
      type: (JSON.parse(meta) as { type: string }).type,
      bytes: wire(http),
      ...seen(log),
    });
  }
  return cases;
}
