/** IP addresses as text and back. IPv6 text is canonical: RFC 5952 4. */

const DOT = 0x2e;
const COLON = 0x3a;
const OCTETS: readonly string[] = Array.from({ length: 256 }, (_, n) => String(n));
const HEX: readonly string[] = Array.from({ length: 256 }, (_, n) => n.toString(16));
const HEX_PADDED: readonly string[] = HEX.map((text) => text.padStart(2, "0"));

export function formatIpv4(bytes: Uint8Array, at = 0): string {
  const octet = (i: number) => OCTETS[bytes[at + i] as number] as string;
  return `${octet(0)}.${octet(1)}.${octet(2)}.${octet(3)}`;
}

/** A group without leading zeros. */
function groupText(high: number, low: number): string {
  return high === 0 ? (HEX[low] as string) : (HEX[high] as string) + (HEX_PADDED[low] as string);
}

export function formatIpv6(bytes: Uint8Array, at = 0): string {
  // RFC 5952 4.2: the longest run of zero groups, the first of equals, never a single one.
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && isZero(bytes, at + (i + run) * 2)) run++;
    if (run > bestLength) {
      best = i;
      bestLength = run;
    }
    i += run;
  }
  const mapped =
    best === 0 && bestLength === 5 && bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
  let text = "";
  for (let i = 0; i < (mapped ? 6 : 8); i++) {
    if (i === best) {
      text += "::";
      i += bestLength - 1;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += groupText(bytes[at + i * 2] as number, bytes[at + i * 2 + 1] as number);
  }
  // RFC 5952 5: the dotted form only where the prefix is known to hold an IPv4 address (::ffff:0:0/96).
  return mapped ? `${text}:${formatIpv4(bytes, at + 12)}` : text;
}

function isZero(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && bytes[at + 1] === 0;
}

/** Four bytes, or undefined when the text is no dotted-decimal address (leading zeros are refused). */
export function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  return putIpv4(text, bytes, 0) ? bytes : undefined;
}

/** As `parseIpv4`, at an index of memory that has room. False: no address, and the memory is spoilt. */
export function putIpv4(text: string, bytes: Uint8Array, at: number): boolean {
  const { length } = text;
  if (length < 7 || length > 15) return false;
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= length; i++) {
    const c = i === length ? DOT : text.charCodeAt(i);
    if (c === DOT) {
      if (digits === 0 || value > 255 || part > 3) return false;
      bytes[at + part++] = value;
      digits = 0;
      value = 0;
    } else {
      if (c < 0x30 || c > 0x39 || (digits > 0 && value === 0) || digits === 3) return false;
      value = value * 10 + c - 0x30;
      digits++;
    }
  }
  return part === 4;
}

/** Sixteen bytes, or undefined. RFC 4291 2.2, all three forms. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  return putIpv6(text, bytes, 0) ? bytes : undefined;
}

/** As `parseIpv6`, at an index of memory that has room. False: no address, and the memory is spoilt. */
export function putIpv6(text: string, bytes: Uint8Array, at: number): boolean {
  return text.includes(".") ? withEmbedded(text, bytes, at) : hexGroups(text, bytes, at);
}

/** Groups of the address that is read. */
const groupScratch = new Uint16Array(8);

/** RFC 4291 2.2, forms 1 and 2. */
function hexGroups(text: string, bytes: Uint8Array, at: number): boolean {
  const { length } = text;
  let count = 0;
  let gap = -1;
  let i = 0;
  if (text.startsWith("::")) {
    gap = 0;
    i = 2;
  }
  while (i < length) {
    let value = 0;
    let digits = 0;
    for (; i < length; i++, digits++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (digits === 0 || digits > 4 || count === 8) return false;
    groupScratch[count++] = value;
    if (i === length) break;
    if (text.charCodeAt(i) !== COLON || ++i === length) return false;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  const missing = 8 - count;
  for (let to = 0, n = 0; to < 8; to++) {
    const group = gap >= 0 && to >= gap && to < gap + missing ? 0 : (groupScratch[n++] as number);
    bytes[at + to * 2] = group >> 8;
    bytes[at + to * 2 + 1] = group;
  }
  return true;
}

function hexDigit(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** RFC 4291 2.2, form 3. */
function withEmbedded(text: string, bytes: Uint8Array, at: number): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const head = groupsOf(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return false;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return false;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  groups.forEach((group, i) => {
    bytes[at + i * 2] = group >> 8;
    bytes[at + i * 2 + 1] = group & 0xff;
  });
  return true;
}

function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    if (part.includes(".")) {
      const v4 = last && i === parts.length - 1 ? parseIpv4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(((v4[0] as number) << 8) | (v4[1] as number));
      groups.push(((v4[2] as number) << 8) | (v4[3] as number));
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}
