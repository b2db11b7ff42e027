/** Capture files: classic pcap and pcapng. */
export type { CapturedPacket, CaptureInterface, CaptureParser, CaptureSink } from "./capture.ts";
export type { ClassicWriteOptions } from "./classic.ts";
export { ClassicParser, classicHeader, classicRecord, classicVariant } from "./classic.ts";
export { isPcapng, PcapngParser } from "./pcapng.ts";
