/** The captures of the benchmarks: made here, deterministic, with their ground truth beside them. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ethernetFrame, udpPacket } from "../../src/codecs/link/build.ts";
import { Seeded } from "./random.ts";
import type { Disturbance, Tally } from "./tcp.ts";
import { CALM, Conversation } from "./tcp.ts";
import { CaptureWriter } from "./writer.ts";

export interface Truth {
  readonly packets: number;
  readonly bytes: number;
  /** Whole messages by protocol. */
  readonly messages: Readonly<Record<string, number>>;
  /** Messages of which the capture lacks bytes. */
  readonly holed: number;
  readonly gapBytes: number;
}

type Make = (
  writer: CaptureWriter,
  random: Seeded,
  scale: number,
) => Omit<Truth, "packets" | "bytes">;

/** Bumped when a generator changes, so that old files are made anew. */
const VERSION = 1;

function u16(...values: readonly number[]): number[] {
  return values.flatMap((v) => [(v >> 8) & 0xff, v & 0xff]);
}

function dnsName(name: string): number[] {
  return [...name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]), 0];
}

const WORDS = ["www", "mail", "api", "cdn", "static", "img", "login", "news", "shop", "video"];

/** Queries and their answers: A, AAAA, CNAME chains and NXDOMAIN, as a resolver's clients see them. */
const dns: Make = (writer, random, scale) => {
  const pairs = Math.round(750_000 * scale);
  for (let i = 0; i < pairs; i++) {
    const client = `10.${random.below(4)}.${random.below(256)}.${1 + random.below(250)}`;
    const sport = 1024 + random.below(60_000);
    const id = random.below(65_536);
    const name = dnsName(
      `${WORDS[random.below(10)]}${random.below(1000)}.example${random.below(100)}.com`,
    );
    const type = random.chance(0.3) ? 28 : 1;
    const question = [...name, ...u16(type, 1)];
    const query = Uint8Array.from([...u16(id, 0x0100, 1, 0, 0, 0), ...question]);
    const to = { src: client, dst: "192.0.2.53", sport, dport: 53 };
    writer.advance(10 + random.below(200));
    writer.write(ethernetFrame(udpPacket(to, query)));
    const kind = random.below(10);
    const answers = kind === 0 ? 0 : 1 + random.below(3);
    const records: number[] = [];
    for (let n = 0; n < answers; n++) {
      records.push(0xc0, 12, ...u16(type, 1, 0, 60 + random.below(3600)));
      records.push(
        ...(type === 1
          ? [...u16(4), ...random.bytes(4)]
          : [...u16(16), 0x20, 1, 0xd, 0xb8, ...random.bytes(12)]),
      );
    }
    const soa = [
      0xc0,
      12,
      ...u16(6, 1, 0, 300, 24),
      0xc0,
      12,
      0xc0,
      12,
      ...u16(0, 1, 0, 3600, 0, 600, 1, 20_864, 0, 300),
    ];
    const header = u16(id, kind === 0 ? 0x8183 : 0x8180, 1, answers, kind === 0 ? 1 : 0, 0);
    const response = Uint8Array.from([...header, ...question, ...(kind === 0 ? soa : records)]);
    writer.advance(50 + random.below(2000));
    writer.write(
      ethernetFrame(
        udpPacket({ src: "192.0.2.53", dst: client, sport: 53, dport: sport }, response),
      ),
    );
  }
  return { messages: { dns: pairs * 2 }, holed: 0, gapBytes: 0 };
};

const LIGHT: Disturbance = { late: 0.0005, reorder: 0.001, duplicate: 0.0005, lost: 0 };
const HEAVY: Disturbance = { late: 0.02, reorder: 0.02, duplicate: 0.02, lost: 0.02 };

function httpWith(disturbance: Disturbance): Make {
  return (writer, random, scale) => {
    const exchanges = Math.round(60_000 * scale);
    const tally: Tally = { whole: 0, holed: 0, gapBytes: 0 };
    const body = Buffer.from(random.bytes(64 * 1024).map((b) => 97 + (b % 26)));
    for (let done = 0; done < exchanges; ) {
      const client = {
        ip: `10.9.${random.below(256)}.${1 + random.below(250)}`,
        port: 1024 + random.below(60_000),
      };
      const talk = new Conversation(
        writer,
        random,
        client,
        { ip: "192.0.2.80", port: 80 },
        disturbance,
        tally,
      );
      for (let n = 1 + random.below(30); n > 0 && done < exchanges; n--, done++) {
        const size = random.below(8500);
        talk.send(0, [
          Buffer.from(
            `GET /object/${done} HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: bench/1.0 (like others)\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\nAccept-Encoding: identity\r\nCookie: session=${done.toString(16)}\r\n\r\n`,
          ),
        ]);
        const head = `HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Type: text/plain\r\nCache-Control: max-age=60\r\nETag: "${done.toString(16)}"\r\n`;
        if (done % 5 === 0) {
          const half = size >> 1;
          const chunk = (from: number, to: number) =>
            `${(to - from).toString(16)}\r\n${body.toString("latin1", from, to)}\r\n`;
          const chunks = half === 0 ? "" : chunk(0, half) + chunk(half, size);
          talk.send(1, [
            Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`, "latin1"),
          ]);
        } else {
          talk.send(1, [
            Buffer.concat([
              Buffer.from(`${head}Content-Length: ${size}\r\n\r\n`),
              body.subarray(0, size),
            ]),
          ]);
        }
      }
      talk.close();
    }
    return { messages: { http: tally.whole }, holed: tally.holed, gapBytes: tally.gapBytes };
  };
}

/** Calls with G.711 both ways. */
const sip: Make = (writer, random, scale) => {
  const calls = Math.round(1500 * scale);
  const count = { sip: 0, sdp: 0, rtp: 0 };
  for (let call = 0; call < calls; call++) {
    const a = `10.20.${random.below(256)}.${1 + random.below(250)}`;
    const b = `10.21.${random.below(256)}.${1 + random.below(250)}`;
    const ports = [10_000 + 2 * random.below(20_000), 10_000 + 2 * random.below(20_000)] as const;
    const datagram = (from: 0 | 1, sport: number, dport: number, payload: Uint8Array) => {
      writer.advance(100 + random.below(300));
      const [src, dst] = from === 0 ? [a, b] : [b, a];
      writer.write(ethernetFrame(udpPacket({ src, dst, sport, dport }, payload)));
    };
    const sdpOf = (ip: string, port: number) =>
      `v=0\r\no=- ${call} 1 IN IP4 ${ip}\r\ns=-\r\nc=IN IP4 ${ip}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n`;
    const message = (
      from: 0 | 1,
      start: string,
      cseq: string,
      branch: string,
      toTag: boolean,
      body = "",
    ) => {
      count.sip++;
      if (body !== "") count.sdp++;
      const text = `${start}\r\nVia: SIP/2.0/UDP ${a}:5060;branch=z9hG4bK${branch}\r\nMax-Forwards: 70\r\nFrom: "A" <sip:a${call}@example.com>;tag=f${call}\r\nTo: <sip:b@example.com>${toTag ? `;tag=t${call}` : ""}\r\nCall-ID: ${call}@${a}\r\nCSeq: ${cseq}\r\nContact: <sip:u@${from === 0 ? a : b}:5060>\r\n${body === "" ? "" : "Content-Type: application/sdp\r\n"}Content-Length: ${body.length}\r\n\r\n${body}`;
      datagram(from, 5060, 5060, Buffer.from(text));
    };
    message(
      0,
      `INVITE sip:b@example.com SIP/2.0`,
      "1 INVITE",
      `i${call}`,
      false,
      sdpOf(a, ports[0]),
    );
    message(1, "SIP/2.0 180 Ringing", "1 INVITE", `i${call}`, true);
    message(1, "SIP/2.0 200 OK", "1 INVITE", `i${call}`, true, sdpOf(b, ports[1]));
    message(0, `ACK sip:u@${b}:5060 SIP/2.0`, "1 ACK", `a${call}`, true);
    const ssrc = [random.u32(), random.u32()] as const;
    for (let n = 0; n < 250; n++) {
      for (const from of [0, 1] as const) {
        const packet = Buffer.alloc(172, 0xd5);
        packet.writeUInt16BE(n === 0 ? 0x8080 : 0x8000, 0);
        packet.writeUInt16BE(n, 2);
        packet.writeUInt32BE(n * 160, 4);
        packet.writeUInt32BE(ssrc[from], 8);
        datagram(from, ports[from], ports[from === 0 ? 1 : 0], packet);
        count.rtp++;
      }
    }
    message(0, `BYE sip:u@${b}:5060 SIP/2.0`, "2 BYE", `b${call}`, true);
    message(1, "SIP/2.0 200 OK", "2 BYE", `b${call}`, true);
  }
  return { messages: count, holed: 0, gapBytes: 0 };
};

function bittorrentWith(disturbance: Disturbance): Make {
  return (writer, random, scale) => {
    const pieces = Math.round(6000 * scale);
    const tally: Tally = { whole: 0, holed: 0, gapBytes: 0 };
    const block = random.bytes(16_384);
    const infoHash = random.bytes(20);
    for (let done = 0; done < pieces; ) {
      const leecher = {
        ip: `10.30.${random.below(256)}.${1 + random.below(250)}`,
        port: 1024 + random.below(60_000),
      };
      const talk = new Conversation(
        writer,
        random,
        leecher,
        { ip: "192.0.2.90", port: 6881 },
        disturbance,
        tally,
      );
      const handshake = () =>
        Buffer.concat([
          Buffer.from("\x13BitTorrent protocol", "latin1"),
          Buffer.alloc(8),
          infoHash,
          Buffer.from("-NK0001-"),
          random.bytes(12),
        ]);
      talk.send(0, [handshake()]);
      talk.send(1, [handshake(), wire(5, Buffer.alloc(125, 0xff))]);
      talk.send(0, [wire(2)]);
      talk.send(1, [wire(1)]);
      for (let n = 0; n < 100 && done < pieces; n++, done++) {
        const place = (begin: number, ...more: number[]) => {
          const body = Buffer.alloc(8 + more.length * 4);
          [n, begin, ...more].forEach((v, i) => {
            body.writeUInt32BE(v, i * 4);
          });
          return body;
        };
        talk.send(0, [wire(6, place(0, 16_384)), wire(6, place(16_384, 16_384))]);
        talk.send(1, [
          wire(7, Buffer.concat([place(0), block])),
          wire(7, Buffer.concat([place(16_384), block])),
        ]);
        const have = Buffer.alloc(4);
        have.writeUInt32BE(n);
        talk.send(0, [wire(4, have)]);
      }
      talk.close();
    }
    return { messages: { bittorrent: tally.whole }, holed: tally.holed, gapBytes: tally.gapBytes };
  };
}

function wire(id: number, payload: Uint8Array = new Uint8Array(0)): Uint8Array {
  const out = Buffer.alloc(5 + payload.length);
  out.writeUInt32BE(1 + payload.length);
  out[4] = id;
  out.set(payload, 5);
  return out;
}

const mixed: Make = (writer, random, scale) => {
  const parts = [
    dns(writer, random, scale / 8),
    httpWith(LIGHT)(writer, random, scale / 8),
    sip(writer, random, scale / 8),
    bittorrentWith(LIGHT)(writer, random, scale / 8),
  ];
  return {
    messages: Object.assign({}, ...parts.map((part) => part.messages)) as Record<string, number>,
    holed: parts.reduce((sum, part) => sum + part.holed, 0),
    gapBytes: parts.reduce((sum, part) => sum + part.gapBytes, 0),
  };
};

const MAKERS: Readonly<Record<string, Make>> = {
  dns,
  http: httpWith(LIGHT),
  "http-calm": httpWith(CALM),
  "http-damaged": httpWith(HEAVY),
  sip,
  bittorrent: bittorrentWith(LIGHT),
  "bittorrent-damaged": bittorrentWith(HEAVY),
  mixed,
};

export type CaptureName = string;

/** The capture's path and truth; made when it is not there yet. `scale` 1 is the benchmark's size. */
export function capture(
  name: CaptureName,
  scale = 1,
  folder = "bench/captures",
): { path: string; truth: Truth } {
  const make = MAKERS[name];
  if (make === undefined)
    throw new Error(`no generator ${name}: ${Object.keys(MAKERS).join(", ")}`);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${scale}-v${VERSION}.pcap`);
  const facts = `${path}.truth.json`;
  if (existsSync(path) && existsSync(facts)) {
    return { path, truth: JSON.parse(readFileSync(facts, "utf8")) as Truth };
  }
  const writer = new CaptureWriter(`${path}.partial`);
  const result = make(writer, new Seeded(42), scale);
  writer.close();
  const truth: Truth = { packets: writer.packets, bytes: writer.bytes, ...result };
  writeFileSync(facts, `${JSON.stringify(truth)}\n`);
  renameSync(`${path}.partial`, path);
  return { path, truth };
}
