/** Bytes as offsets, hex and text, sixteen a line. */

/** Bytes shown of one message. */
const MAX_BYTES = 65_536;

export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  const end = Math.min(bytes.length, MAX_BYTES);
  for (let at = 0; at < end; at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, end));
    const digits = Array.from(row, (b) => b.toString(16).padStart(2, "0"));
    const left = digits.slice(0, 8).join(" ");
    const right = digits.slice(8).join(" ");
    const text = Array.from(row, (b) =>
      b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".",
    ).join("");
    lines.push(
      `        ${at.toString(16).padStart(4, "0")}  ${left.padEnd(23)}  ${right.padEnd(23)}  ${text}`,
    );
  }
  if (end < bytes.length) lines.push(`        … ${bytes.length - end} bytes more`);
  return lines.join("\n");
}
