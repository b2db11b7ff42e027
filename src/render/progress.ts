/** Progress of long work on stderr: only on a terminal, only after a second. */
import { byteText } from "./account.ts";

const AFTER_MS = 1000;
const EVERY_MS = 200;

export class Progress {
  private readonly wanted: boolean;
  private readonly began = performance.now();
  private last = 0;
  private shown = false;

  constructor(wanted: boolean) {
    this.wanted = wanted && process.stderr.isTTY === true;
  }

  /** Bytes done; `size`: 0 when it is not known. */
  update(bytes: number, size: number): void {
    this.tell(() => {
      const share = size > 0 ? ` of ${byteText(size)} (${Math.floor((100 * bytes) / size)} %)` : "";
      return byteText(bytes) + share;
    });
  }

  tell(text: () => string): void {
    if (!this.wanted) return;
    const now = performance.now();
    if (now - this.began < AFTER_MS || now - this.last < EVERY_MS) return;
    this.last = now;
    this.shown = true;
    process.stderr.write(`\r\u001b[K${text()}`);
  }

  clear(): void {
    if (!this.shown) return;
    this.shown = false;
    process.stderr.write("\r\u001b[K");
  }
}
