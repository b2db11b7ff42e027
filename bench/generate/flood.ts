/** Captures that try to make an analyser keep more than it may: flows without end, heads without end, fragments without their rest. */
import { ethernetFrame, ipPacket, tcpPacket, udpPacket } from "../../src/codecs/link/build.ts";
import { latin1Bytes } from "../../src/codecs/writer.ts";

export type FloodWrite = (frame: Uint8Array) => void;

const HEAD = latin1Bytes(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(1300)}`);
const MORE = latin1Bytes("b".repeat(1400));

function address(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

export const FLOODS: Readonly<Record<string, (write: FloodWrite) => void>> = {
  /** Connections that each begin a request and never go on. */
  "half-heads": (write) => {
    for (let n = 0; n < 300_000; n++) {
      const ends = { src: address(n), dst: "192.0.2.80", sport: 1024 + (n % 60_000), dport: 80 };
      write(ethernetFrame(tcpPacket({ ...ends, seq: 0, flags: 2 }, new Uint8Array(0))));
      write(ethernetFrame(tcpPacket({ ...ends, seq: 1, ack: 1, flags: 0x18 }, HEAD)));
    }
  },
  /** A few thousand connections, each with a head that goes on and on. */
  "endless-heads": (write) => {
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 8000; n++) {
        const ends = { src: address(n), dst: "192.0.2.80", sport: 2000, dport: 80 };
        if (round === 0)
          write(ethernetFrame(tcpPacket({ ...ends, seq: 0, flags: 2 }, new Uint8Array(0))));
        const seq = round === 0 ? 1 : 1 + HEAD.length + (round - 1) * MORE.length;
        write(
          ethernetFrame(
            tcpPacket({ ...ends, seq, ack: 1, flags: 0x18 }, round === 0 ? HEAD : MORE),
          ),
        );
      }
    }
  },
  /** Segments behind holes that are never filled. */
  holes: (write) => {
    for (let n = 0; n < 300_000; n++) {
      const ends = { src: address(n % 40_000), dst: "192.0.2.80", sport: 3000, dport: 80 };
      if (n < 40_000)
        write(ethernetFrame(tcpPacket({ ...ends, seq: 0, flags: 2 }, new Uint8Array(0))));
      write(
        ethernetFrame(
          tcpPacket({ ...ends, seq: 100 + (n / 40_000) * 3000, ack: 1, flags: 0x18 }, MORE),
        ),
      );
    }
  },
  /** First fragments whose rest never comes. */
  fragments: (write) => {
    for (let n = 0; n < 400_000; n++) {
      const whole = ipPacket({ src: address(n), dst: "192.0.2.53", id: n & 0xffff }, 17, MORE);
      // More fragments follow.
      whole[6] = 0x20;
      write(ethernetFrame(whole));
    }
  },
  /** DNS queries, each from a flow of its own. */
  flows: (write) => {
    const query = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
    for (let n = 0; n < 1_000_000; n++) {
      write(
        ethernetFrame(
          udpPacket({ src: address(n), dst: "192.0.2.53", sport: 4000, dport: 53 }, query),
        ),
      );
    }
  },
};
