/** Where every byte of payload went: the account that `netkit decode` prints at its end. */

export interface Totals {
  packets: number;
  /** Captured bytes, headers included. */
  bytes: number;
  /** Captured transport payload, bytes seen twice left out: decoded + unknown + truncated. */
  payloadBytes: number;
  decodedBytes: number;
  /** Bytes that were sent but are not in the capture. */
  gapBytes: number;
  unknownBytes: number;
  /** Bytes of messages and datagrams that the capture cuts short. */
  truncatedBytes: number;
  /** Retransmitted and overlapping payload. */
  duplicateBytes: number;
  /** Packets whose headers are cut or contradict themselves. */
  malformedPackets: number;
  records: Record<string, number>;
}

export function newTotals(): Totals {
  return {
    packets: 0,
    bytes: 0,
    payloadBytes: 0,
    decodedBytes: 0,
    gapBytes: 0,
    unknownBytes: 0,
    truncatedBytes: 0,
    duplicateBytes: 0,
    malformedPackets: 0,
    records: {},
  };
}
