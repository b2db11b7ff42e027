/**
 * The head of a message: start line and field lines. RFC 9112 2 to 5.
 *
 * `Head` is one parser for two uses. It notes where each part lies in the input and makes strings
 * only when asked, so that an analyser can go from wire bytes to output bytes; one object serves
 * many messages. Every deviation goes through `deviate`: strict decoding throws the first one,
 * tolerant decoding reports it and mends it as the section quoted allows.
 */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { COLON, CR, LF, MAX_FIELDS, SP, TARGET, TEXT, TOKEN } from "./constants.ts";
import { HeadParts, isBlank, MENDED } from "./head-parts.ts";
import { equalsIgnoreCase, internedText } from "./names.ts";
import { readPlainHead } from "./plain-head.ts";
import { hasScheme } from "./uri.ts";

const NO_OPTIONS: DecodeOptions = {};
const LINE_SPEC = "RFC 9112 2.2";

export class Head extends HeadParts {
  private options: DecodeOptions = {};
  /** Index from which offsets of issues are counted. */
  private origin = 0;

  /**
   * Parses `bytes[start, end)`: a start line, field lines and the blank line. `origin`: index of
   * the first byte of the message.
   * @throws DecodeError
   */
  parse(
    kind: "request" | "response",
    bytes: Uint8Array,
    start: number,
    end: number,
    options: DecodeOptions,
  ): void {
    this.kind = kind;
    this.begin(bytes, start, end, start, options);
    const line = kind === "request" ? this.requestLine(start) : this.statusLine(start);
    this.fieldLines(line);
  }

  /**
   * Reads a head of which nothing is out of the ordinary, in one pass. Returns the index after its
   * blank line, or -1 when it is not whole, or anything in it asks for a closer look: then `parse`
   * has to tell. What it accepts `parse` accepts, and reads alike.
   */
  scan(kind: "request" | "response", bytes: Uint8Array, start: number, end: number): number {
    this.kind = kind;
    this.begin(bytes, start, end, start, NO_OPTIONS);
    return readPlainHead(this);
  }

  /**
   * Parses a trailer section: field lines and the blank line. `offset`: how many bytes of the
   * message come before it.
   * @throws DecodeError
   */
  parseTrailers(
    bytes: Uint8Array,
    start: number,
    end: number,
    offset: number,
    options: DecodeOptions,
  ): void {
    this.begin(bytes, start, end, start - offset, options);
    this.fieldLines(start);
  }

  /** The head that an HTTP/0.9 response lacks. */
  simpleResponse(): void {
    this.begin(this.bytes, 0, 0, 0, {});
    this.kind = "response";
    this.setVersion(0, 9, "HTTP/0.9");
    this.statusCode = 200;
    this.reasonStart = 0;
    this.reasonEnd = 0;
  }

  private begin(
    bytes: Uint8Array,
    start: number,
    end: number,
    origin: number,
    options: DecodeOptions,
  ): void {
    this.place(bytes, start, end);
    this.origin = origin;
    this.options = options;
  }

  /** How what is found in the fields later is told. */
  use(options: DecodeOptions): void {
    this.options = options;
  }

  /** Reports or throws. `at`: index in `bytes`. */
  deviate(code: string, at: number, spec: string, message: string): void {
    deviate(this.options, code, at - this.origin, spec, message);
  }

  fail(code: string, at: number, spec: string, message: string): never {
    throw new DecodeError(code, at - this.origin, spec, message);
  }

  /** Index of the LF that ends the line at `at`. */
  private lineEnd(at: number): number {
    const { bytes, end } = this;
    let i = at;
    while (i < end && bytes[i] !== LF) i++;
    return i;
  }

  /** Index after the last byte of the line whose LF is at `lf`. Reports a missing CR. */
  private contentEnd(start: number, lf: number): number {
    if (lf > start && this.bytes[lf - 1] === CR) return lf - 1;
    this.deviate("http.line.bare-lf", lf, LINE_SPEC, "line ends with LF alone");
    return lf;
  }

  /** RFC 9112 3: `method SP request-target SP HTTP-version`. Returns the index of the next line. */
  private requestLine(start: number): number {
    const { bytes } = this;
    const lf = this.lineEnd(start);
    const end = this.contentEnd(start, lf);
    let at = start;
    while (at < end && TOKEN[bytes[at] as number] === 1) at++;
    if (at === start || at === end || !isBlank(bytes[at] as number)) {
      this.fail("http.method.syntax", at, "RFC 9112 3.1", "no method, or one that is no token");
    }
    this.method = internedText(bytes, start, at);
    let targetStart = at + 1;
    while (targetStart < end && isBlank(bytes[targetStart] as number)) targetStart++;
    // The version is the last word, so that a target with blanks in it can be survived.
    let versionStart = end;
    let versionEnd = end;
    while (versionEnd > targetStart && isBlank(bytes[versionEnd - 1] as number)) versionEnd--;
    versionStart = versionEnd;
    while (versionStart > targetStart && !isBlank(bytes[versionStart - 1] as number))
      versionStart--;
    if (versionStart === targetStart) {
      this.versionless(targetStart, end);
      return lf + 1;
    }
    let targetEnd = versionStart - 1;
    while (targetEnd > targetStart && isBlank(bytes[targetEnd - 1] as number)) targetEnd--;
    const single = targetStart - at === 1 && versionStart - targetEnd === 1 && versionEnd === end;
    if (!single || bytes[at] !== SP || bytes[targetEnd] !== SP) {
      this.deviate("http.request-line.whitespace", at, "RFC 9112 3", "not one space between parts");
    }
    this.setTarget(targetStart, targetEnd);
    this.versionAt(versionStart, versionEnd);
    return lf + 1;
  }

  /** HTTP/0.9 (RFC 1945 5): a method, and nothing after the target. */
  private versionless(targetStart: number, end: number): void {
    let targetEnd = end;
    while (targetEnd > targetStart && isBlank(this.bytes[targetEnd - 1] as number)) targetEnd--;
    const message = "no HTTP version";
    if (targetEnd === targetStart) {
      this.fail("http.version.absent", end, "RFC 9112 3", message);
    }
    this.deviate("http.version.absent", end, "RFC 9112 3", message);
    this.setTarget(targetStart, targetEnd);
    this.setVersion(0, 9, "HTTP/0.9");
  }

  private setTarget(start: number, end: number): void {
    const { bytes } = this;
    this.targetStart = start;
    this.targetEnd = end;
    for (let i = start; i < end; i++) {
      if (TARGET[bytes[i] as number] === 0) {
        this.deviate("http.target.char", i, "RFC 9112 3.2", "octet that no URI holds");
        return;
      }
    }
    const first = bytes[start] as number;
    if (this.method === "CONNECT") {
      // authority-form, RFC 9112 3.2.3.
      if (first === 0x2f) this.badForm(start, "CONNECT asks for host:port");
    } else if (first !== 0x2f) {
      if (first === 0x2a && end - start === 1) return; // asterisk-form, RFC 9112 3.2.4.
      if (!hasScheme(this.bytes, start, end))
        this.badForm(start, "neither a path nor an absolute URI");
    }
  }

  private badForm(at: number, message: string): void {
    this.deviate("http.target.form", at, "RFC 9112 3.2", message);
  }

  /** RFC 9112 2.3: `HTTP/` DIGIT `.` DIGIT, case-sensitive. */
  private versionAt(start: number, end: number): void {
    const { bytes } = this;
    const major = (bytes[start + 5] as number) - 0x30;
    const minor = (bytes[start + 7] as number) - 0x30;
    const named = equalsIgnoreCase(bytes, start, Math.min(start + 5, end), "http/");
    if (!named) {
      this.fail("http.version.protocol", start, "RFC 9112 2.3", "not an HTTP version");
    }
    const text = internedText(bytes, start, end);
    const wellFormed =
      end - start === 8 &&
      major >= 0 &&
      major <= 9 &&
      bytes[start + 6] === 0x2e &&
      minor >= 0 &&
      minor <= 9;
    if (!wellFormed || !text.startsWith("HTTP/")) {
      this.deviate("http.version.syntax", start, "RFC 9112 2.3", "not HTTP/ digit . digit");
      this.setVersion(wellFormed ? major : 1, wellFormed ? minor : 0, text);
      return;
    }
    if (major !== 1) {
      this.deviate("http.version.unsupported", start, "RFC 9112 2.3", `not HTTP/1.x: ${text}`);
    }
    this.setVersion(major, minor, text);
  }

  /** RFC 9112 4: `HTTP-version SP status-code SP [reason-phrase]`. */
  private statusLine(start: number): number {
    const { bytes } = this;
    const lf = this.lineEnd(start);
    const end = this.contentEnd(start, lf);
    let at = start;
    while (at < end && !isBlank(bytes[at] as number)) at++;
    this.versionAt(start, at);
    const gap = at;
    while (at < end && isBlank(bytes[at] as number)) at++;
    const codeAt = at;
    let code = 0;
    while (
      at < end &&
      (bytes[at] as number) >= 0x30 &&
      (bytes[at] as number) <= 0x39 &&
      at - codeAt < 3
    ) {
      code = code * 10 + (bytes[at++] as number) - 0x30;
    }
    if (at - codeAt !== 3 || (at < end && !isBlank(bytes[at] as number))) {
      this.fail("http.status.syntax", codeAt, "RFC 9112 4", "status code is not three digits");
    }
    if (codeAt - gap !== 1 || bytes[gap] !== SP) {
      this.deviate(
        "http.status-line.whitespace",
        gap,
        "RFC 9112 4",
        "not one space before the code",
      );
    }
    if (code < 100 || code > 599) {
      this.deviate("http.status.range", codeAt, "RFC 9110 15", `${code} is not 100 to 599`);
    }
    this.statusCode = code;
    if (at === end) {
      this.deviate("http.status-line.no-space", at, "RFC 9112 4", "no space after the code");
    } else {
      at++;
    }
    this.reasonStart = at;
    this.reasonEnd = end;
    for (let i = at; i < end; i++) {
      if (TEXT[bytes[i] as number] === 0) {
        this.deviate("http.reason.char", i, "RFC 9112 4", "control character in the reason phrase");
        break;
      }
    }
    return lf + 1;
  }

  private fieldLines(first: number): void {
    const { bytes, end } = this;
    let at = first;
    while (at < end) {
      const b = bytes[at] as number;
      if (b === CR && at + 1 < end && bytes[at + 1] === LF) return;
      if (b === LF) {
        this.deviate("http.line.bare-lf", at, LINE_SPEC, "blank line without CR");
        return;
      }
      at = isBlank(b) ? this.foldedLine(at, first) : this.fieldLine(at);
    }
  }

  /** RFC 9112 5: `field-name ":" OWS field-value OWS`. Returns the index of the next line. */
  private fieldLine(start: number): number {
    const { bytes, end } = this;
    let at = start;
    while (at < end && TOKEN[bytes[at] as number] === 1) at++;
    let nameEnd = at;
    if (bytes[at] !== COLON || at === start) {
      const colon = this.oddName(start, at);
      if (colon < 0) return this.lineEnd(start) + 1;
      nameEnd = colon;
      at = colon;
      while (nameEnd > start && isBlank(bytes[nameEnd - 1] as number)) nameEnd--;
    }
    at++;
    while (at < end && isBlank(bytes[at] as number)) at++;
    const valueStart = at;
    let flags = 0;
    while (at < end && TEXT[bytes[at] as number] === 1) at++;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) {
      flags = this.oddValue(at);
      at = this.lineEnd(at);
      if (bytes[at - 1] === CR && at > valueStart) at--;
    }
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd--;
    this.addField(start, nameEnd, valueStart, valueEnd, flags);
    return bytes[at] === LF ? at + 1 : at + 2;
  }

  /** Judges a name that is no token followed by a colon. Returns the colon's index, -1 to drop the line. */
  private oddName(start: number, at: number): number {
    const { bytes } = this;
    const lf = this.lineEnd(start);
    let colon = at;
    while (colon < lf && bytes[colon] !== COLON) colon++;
    if (colon === lf) {
      this.deviate("http.field.no-colon", start, "RFC 9112 5", "field line without a colon");
      return -1;
    }
    let nameEnd = colon;
    while (nameEnd > start && isBlank(bytes[nameEnd - 1] as number)) nameEnd--;
    if (nameEnd === start) {
      this.deviate("http.field.name-empty", start, "RFC 9112 5", "field line without a name");
      return -1;
    }
    if (at < nameEnd) {
      this.deviate("http.field.name-char", at, "RFC 9110 5.1", "octet that no field name holds");
    }
    if (nameEnd < colon) {
      this.deviate(
        "http.field.space-before-colon",
        nameEnd,
        "RFC 9112 5.1",
        "blank before the colon",
      );
    }
    return colon;
  }

  /** Judges what ended a run of plain text in a value: LF alone, a bare CR, a control character. */
  private oddValue(from: number): number {
    const { bytes } = this;
    const lf = this.lineEnd(from);
    let flags = 0;
    for (let i = from; i < lf; i++) {
      const b = bytes[i] as number;
      if (TEXT[b] === 1 || (b === CR && i + 1 === lf)) continue;
      if (b === CR) {
        flags = MENDED;
        this.deviate("http.line.bare-cr", i, LINE_SPEC, "CR without LF");
      } else {
        this.deviate("http.field.value-char", i, "RFC 9110 5.5", "control character in a value");
      }
    }
    if (lf === from || bytes[lf - 1] !== CR) {
      this.deviate("http.line.bare-lf", lf, LINE_SPEC, "line ends with LF alone");
    }
    return flags;
  }

  /** RFC 9112 5.2: a line that begins with a blank continues the one before. */
  private foldedLine(start: number, first: number): number {
    const { bytes } = this;
    const lf = this.lineEnd(start);
    if (start === first || this.count === 0) {
      this.deviate(
        "http.field.leading-whitespace",
        start,
        LINE_SPEC,
        "blank before the first field",
      );
      return lf + 1;
    }
    this.deviate("http.field.obs-fold", start, "RFC 9112 5.2", "folded field line");
    this.oddValue(start);
    let end = lf;
    while (end > start && (isBlank(bytes[end - 1] as number) || bytes[end - 1] === CR)) end--;
    if (end > start) this.fold(end);
    return lf + 1;
  }

  private addField(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    flags: number,
  ): void {
    if (this.count >= MAX_FIELDS) {
      this.fail(
        "http.field.count",
        nameStart,
        "RFC 9112 5.4",
        `more than ${MAX_FIELDS} field lines`,
      );
    }
    this.add(nameStart, nameEnd, valueStart, valueEnd, flags);
  }
}
