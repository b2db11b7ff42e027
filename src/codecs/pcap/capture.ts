/** What a capture file tells, whatever its format. */
import type { Issue } from "../errors.ts";

/** Where packets come from: one line of a classic file's header, or one interface of pcapng. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Bytes kept of each packet at most; 0 means no limit. */
  readonly snapLength: number;
  /** Decimal digits of the clock. */
  readonly digits: number;
  readonly name?: string;
  readonly description?: string;
  readonly filter?: string;
  readonly os?: string;
  /** As the interface statistics block counts them. */
  received?: number;
  dropped?: number;
}

/** One object reused for all packets of a file. */
export interface CapturedPacket {
  interface: CaptureInterface;
  /** The captured bytes: [start, end) of `bytes`. */
  bytes: Uint8Array;
  start: number;
  end: number;
  /** Length of the packet on the wire. */
  wireLength: number;
  /** Seconds since the epoch, and units of 10^-digits seconds. */
  seconds: number;
  fraction: number;
  comment: string | undefined;
}

export interface CaptureSink {
  packet(packet: CapturedPacket): void;
  /** What is wrong with the file; offsets are from its beginning. Reading goes on where it can. */
  issue(issue: Issue): void;
  /** A new interface (once for a classic file). */
  interface?(description: CaptureInterface): void;
  /** The bytes that came so far are parsed: a good time to write what has gathered. */
  flush?(): void;
  /** Any other fact: section comments, names (NRB), decryption secrets (DSB). */
  note?(
    kind: "comment" | "name" | "secrets" | "application" | "os" | "hardware",
    value: string | Uint8Array,
  ): void;
}

/** Takes the bytes of a capture as they come. */
export interface CaptureParser {
  readonly format: "pcap" | "pcapng";
  readonly detail: string;
  /**
   * Parses whole records of [start, end) and returns how many bytes it took; the rest must be
   * given again with more behind it. `needed` then tells how many bytes the next record has.
   */
  parse(bytes: Uint8Array, start: number, end: number): number;
  /** Bytes that `parse` must be given at least to go on; 0 when it has stopped for good. */
  readonly needed: number;
  /** The file ends with `left` bytes that were not taken. */
  finish(left: number): void;
}

/** Longest record that is believed: tcpdump's MAXIMUM_SNAPLEN for USB captures is 128 MiB, for all others 256 KiB. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;
