/** Text from the network for a terminal: control bytes must not reach it (they could rewrite the screen). */
export function safe(text: string): string {
  // C0, DEL, C1 and the bidirectional controls.
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(1, length - 1))}…`;
}
