/** Octets looked at eight at a time: most of a head is text that only has to be passed over. */

/** In each octet of a word: what lies below `n` sets the top bit of its octet where `w` has it clear. */
const TOPS = 0x80808080 | 0;
const SPACES = 0x20202020;
const EXCLAMATIONS = 0x21212121;
const ONES = 0x01010101;
const DELS = 0x7f7f7f7f;

/** Index from `at` up to which there are only octets from SP on other than DEL; there may be more of them. */
export function skipText(words: DataView, at: number, end: number): number {
  let i = at;
  for (; i + 8 <= end; i += 8) {
    const v = words.getInt32(i);
    const w = words.getInt32(i + 4);
    const x = v ^ DELS;
    const y = w ^ DELS;
    const odd = ((v - SPACES) & ~v) | ((w - SPACES) & ~w) | ((x - ONES) & ~x) | ((y - ONES) & ~y);
    if ((odd & TOPS) !== 0) break;
  }
  return i;
}

/** The same for VCHAR alone (RFC 5234 B.1): neither blanks nor octets above DEL. */
export function skipVisible(words: DataView, at: number, end: number): number {
  let i = at;
  for (; i + 8 <= end; i += 8) {
    const v = words.getInt32(i);
    const w = words.getInt32(i + 4);
    const x = v ^ DELS;
    const y = w ^ DELS;
    const odd =
      v | w | (v - EXCLAMATIONS) | (w - EXCLAMATIONS) | ((x - ONES) & ~x) | ((y - ONES) & ~y);
    if ((odd & TOPS) !== 0) break;
  }
  return i;
}
