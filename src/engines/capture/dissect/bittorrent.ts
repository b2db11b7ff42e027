/** BitTorrent peers over TCP. BEP 3. */
import type { Direction, DissectorContext, StreamDissector, StreamProtocol } from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";
import { beginsHandshake, PeerWire } from "./peer-wire.ts";

class BitTorrentStream implements StreamDissector {
  private readonly wire: PeerWire;

  constructor(flow: Flow, context: DissectorContext) {
    this.wire = new PeerWire(flow, context, "tcp", [false, false]);
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    this.wire.data(direction, bytes, start, end, mark);
  }

  held(): number {
    return this.wire.held();
  }

  gap(direction: Direction, missing: number, mark: Mark): void {
    this.wire.gap(direction, missing, mark);
  }

  end(direction: Direction, mark: Mark): void {
    this.wire.end(direction, mark);
  }
}

export const bittorrent: StreamProtocol = {
  name: "bittorrent",
  probe: beginsHandshake,
  open: (flow, context) => new BitTorrentStream(flow, context),
};
