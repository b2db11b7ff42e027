/** What an HTTP announce or scrape says, shown as `tracker` beside the HTTP record. BEP 3, 23, 48. */
import { decodeHttpAnswer, parseAnnounce } from "../../../codecs/bittorrent/http-tracker.ts";
import { DecodeError } from "../../../codecs/errors.ts";

/** Octets of an answer that are kept for reading. */
export const MAX_ANSWER_BYTES = 65_536;

/** The keys of `tracker` of a request; undefined when it asks no tracker. */
export function announceRecord(target: string): Record<string, unknown> | undefined {
  const announce = parseAnnounce(target);
  if (announce === undefined) return undefined;
  const { infoHashes, scrape, ...rest } = announce;
  const action = scrape ? "scrape" : "announce";
  return infoHashes.length === 1
    ? { action, infoHash: infoHashes[0], ...rest }
    : { action, infoHashes, ...rest };
}

/** The keys of `tracker` of an answer; undefined when its body is none. */
export function answerRecord(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const { peers, ...rest } = decodeHttpAnswer(body, { tolerate: () => {} });
    const shown = peers.map(({ address, port }) =>
      address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    );
    return { ...rest, peers: shown };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined; // An error page, or a coding: the HTTP record stands alone.
  }
}
