/** Where a cache keeps responses: heads are at hand at once, bodies are read. */
import type { StoredResponse } from "./entry.ts";

export interface BodyReader {
  /** Octets of the stored body, fewer only at its end; `done` may be called at once. */
  read(at: number, length: number, done: (error: Error | null, bytes?: Uint8Array) => void): void;
  close(): void;
}

export interface Store {
  /** All that is stored of a URI. */
  find(key: string): readonly StoredResponse[];
  /** Takes the place of `instead`, where that is still there. `body` is not changed any more. */
  put(
    response: StoredResponse,
    body: readonly Uint8Array[],
    instead: readonly StoredResponse[],
  ): void;
  /** New metadata of a stored response. */
  update(stored: StoredResponse, changed: StoredResponse): void;
  remove(stored: StoredResponse): void;
  /** Its body, which can be read to the end even when the store lets go of it meanwhile. */
  open(stored: StoredResponse): BodyReader | undefined;
  /** Its body where that is in memory; it is not changed. */
  atHand(stored: StoredResponse): Uint8Array | undefined;
  /** It was used: what was not for the longest time goes first. */
  touch(stored: StoredResponse): void;
  /** Largest body that it takes. */
  readonly maxBody: number;
  /** Octets in use, and responses. */
  readonly bytes: number;
  readonly count: number;
}
