/** What the first bytes of a file say it is. */
import { classicVariant, FILE_HEADER } from "../../codecs/pcap/classic.ts";
import { isPcapng } from "../../codecs/pcap/pcapng.ts";
import { CaptureError } from "./errors.ts";

export type Compression = "gzip" | "zstd" | "lz4";
export type Container = "pcap" | "pcap-us" | "pcapng";

/** Bytes needed to tell. */
export const MAGIC_BYTES = 4;

export function compressionOf(head: Uint8Array): Compression | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  const magic = Buffer.from(head.buffer, head.byteOffset, Math.min(4, head.length)).toString("hex");
  if (magic === "28b52ffd") return "zstd";
  if (magic === "04224d18" || magic === "02214c18") return "lz4";
  return undefined;
}

/** @throws CaptureError when the bytes begin no capture that netkit knows. */
export function containerOf(name: string, head: Uint8Array): Container {
  if (head.length === 0)
    throw new CaptureError("empty", `${name}: is empty; a pcap or pcapng capture is expected`);
  if (head.length >= 4) {
    const variant = classicVariant(head);
    if (variant !== undefined) {
      return variant.digits === 6 && variant.recordHeader === 16 ? "pcap-us" : "pcap";
    }
    if (isPcapng(head)) return "pcapng";
  }
  throw new CaptureError(
    "format",
    `${name}: is no capture (begins with ${describe(head)}); pcap or pcapng is expected, plain or as gzip, zstd or lz4`,
  );
}

/** A classic capture that ended after so many bytes. @throws CaptureError when its header is cut */
export function refuseShort(name: string, bytes: number): void {
  if (bytes >= FILE_HEADER) return;
  throw new CaptureError(
    "format",
    `${name}: ends inside its header, ${bytes} of ${FILE_HEADER} bytes; a whole capture is expected`,
  );
}

function describe(head: Uint8Array): string {
  const bytes = Buffer.from(head.slice(0, 8));
  const text = bytes.toString("latin1");
  return /^[\x20-\x7e]+$/.test(text) ? JSON.stringify(text) : bytes.toString("hex");
}
