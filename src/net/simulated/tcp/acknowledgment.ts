/** What a sender is told of an acknowledgment. */
import type { Nanos } from "../../../engines/host.ts";

/** An acknowledgment, in offsets of the stream that it is for. */
export interface Acknowledgment {
  readonly ack: number;
  /** Octets behind `ack` that the peer takes. */
  readonly window: number;
  /** Blocks `[start, end)`, alternating; the first may tell of a duplicate (RFC 2883). */
  readonly sacks: readonly number[] | undefined;
  /** When the segment that is acknowledged was sent: the echoed timestamp. */
  readonly echo: Nanos;
  /** The segment carries data of its own. */
  readonly hasData: boolean;
}
