/** IP addresses as text and back. IPv6 text is canonical: RFC 5952 4. */

export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

export function formatIpv6(bytes: Uint8Array, at = 0): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((bytes[at + i] as number) << 8) | (bytes[at + i + 1] as number));
  }
  // RFC 5952 4.2: the longest run of zero groups, the first of equals, never a single one.
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > bestLength) {
      best = i;
      bestLength = run;
    }
    i += run;
  }
  const embedded = mappedPrefix(groups);
  const tail = embedded ? [formatIpv4(bytes, at + 12)] : [];
  const texts = groups.slice(0, embedded ? 6 : 8).map((g) => g.toString(16));
  if (best < 0) return [...texts, ...tail].join(":");
  const left = texts.slice(0, best).join(":");
  const right = [...texts.slice(best + bestLength), ...tail].join(":");
  return `${left}::${right}`;
}

/** RFC 5952 5: the dotted form only where the prefix is known to hold an IPv4 address (::ffff:0:0/96). */
function mappedPrefix(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((g) => g === 0);
}

/** Four bytes, or undefined when the text is no dotted-decimal address (leading zeros are refused). */
export function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = parts[i] as string;
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[i] = Number(part);
  }
  return bytes;
}

/** Sixteen bytes, or undefined. RFC 4291 2.2, all three forms. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  groups.forEach((group, i) => {
    bytes[i * 2] = group >> 8;
    bytes[i * 2 + 1] = group & 0xff;
  });
  return bytes;
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
