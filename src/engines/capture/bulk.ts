/** NDJSON records written straight to bytes: the envelope around what a hot protocol writes itself. */
import type { Issue } from "../../codecs/errors.ts";
import type { JsonWriter } from "../../codecs/json-writer.ts";
import { Fixed } from "../../codecs/json-writer.ts";
import type { Direction } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import type { Mark } from "./mark.ts";

const FRAME = new Fixed('{"frame":');
const SPORT = new Fixed('","sport":');
const DST = new Fixed(',"dst":"');
const DPORT = new Fixed('","dport":');
const UDP_STREAM = new Fixed(',"transport":"udp","stream":');
const TCP_STREAM = new Fixed(',"transport":"tcp","stream":');
const FILE = new Fixed(',"file":');
const BYTES = new Fixed(',"bytes":');
const IN_ICMP = new Fixed(',"inIcmp":true');
const MALFORMED = new Fixed(',"malformed":true');
const ISSUES = new Fixed(',"issues":');
const END = new Fixed("}\n");

/** Lengths whose text is kept. */
const SIZES = 2048;
const sizeTexts: (Fixed | undefined)[] = new Array(SIZES).fill(undefined);
/** Records of one direction after which its endpoints' text is kept. */
const KEEP_AFTER = 4;
/** Room for the envelope's fixed parts and numbers, without names. */
const ENVELOPE_ROOM = 400;

interface ProtocolText {
  readonly name: string;
  readonly text: Fixed;
  records: number;
}

/** `begin`, then the protocol writes `,"key":value` pairs to `json`, then `end`. */
export class BulkOutput {
  readonly json: JsonWriter;
  /** Whether the packet now dissected was quoted by ICMP. */
  inIcmp = false;
  /** False leaves the stream's number out: who numbers the streams puts it at `numberAt`. */
  numbered = true;
  numberAt = 0;
  /** The flow of the last record. */
  flow: Flow | undefined = undefined;
  private readonly protocols = new Map<string, ProtocolText>();
  private last: ProtocolText = { name: "", text: new Fixed(""), records: 0 };
  private peer = 0;
  private peerPort = -1;
  private nextPeer = 0;
  private nextPort = -1;
  private peerAsTarget = FRAME;
  private peerAsSource = FRAME;
  private lastSeconds = -1;
  /** The key, whole seconds and point of the time. */
  private secondsText = new Fixed("");
  /** The key and all but the last three digits of the frame's number, for frames from `framesFrom`. */
  private framesFrom = -1;
  private framesText = FRAME;
  private readonly onRecord: () => void;

  /** `onRecord` is called after each record: it may take the bytes and reset `json.at`. */
  constructor(json: JsonWriter, onRecord: () => void) {
    this.json = json;
    this.onRecord = onRecord;
  }

  begin(protocol: string, flow: Flow, direction: Direction, mark: Mark, bytes: number): void {
    const { json } = this;
    json.room(ENVELOPE_ROOM);
    this.frame(mark.frame);
    this.time(mark);
    if (protocol !== this.last.name) this.last = this.protocolText(protocol);
    this.last.records++;
    json.put(this.last.text);
    const known = flow.envelopes[direction];
    if (known !== undefined) json.put(known);
    else this.endpoints(flow, direction);
    this.numberAt = json.at;
    this.flow = flow;
    if (mark.file !== undefined) {
      json.put(FILE);
      json.string(mark.file);
      json.room(ENVELOPE_ROOM);
    }
    if (bytes < SIZES) {
      let text = sizeTexts[bytes];
      if (text === undefined) {
        text = new Fixed(`,"bytes":${bytes}`);
        sizeTexts[bytes] = text;
      }
      json.put(text);
    } else {
      json.put(BYTES);
      json.uint(bytes);
    }
    if (this.inIcmp) json.put(IN_ICMP);
  }

  /** Addresses, ports and stream. Flows with many records keep the text. */
  private endpoints(flow: Flow, direction: Direction): void {
    const { json } = this;
    const from = json.at;
    const forward = direction === 0;
    if (flow.family === 4) {
      this.endpoints4(flow, forward);
    } else {
      ascii(json, flow.source(direction));
      json.put(SPORT);
      json.uint(forward ? flow.aPort : flow.bPort);
      json.put(DST);
      ascii(json, flow.destination(direction));
      json.put(DPORT);
      json.uint(forward ? flow.bPort : flow.aPort);
    }
    json.put(flow.protocol === 17 ? UDP_STREAM : TCP_STREAM);
    if (this.numbered) json.uint(flow.stream);
    if (!flow.passing && ++flow.records[direction] === KEEP_AFTER) {
      flow.envelopes[direction] = new Fixed(json.text(from));
    }
  }

  end(malformed: boolean, issues: readonly Issue[]): void {
    const { json } = this;
    json.room(64);
    if (malformed) json.put(MALFORMED);
    if (issues.length > 0) {
      json.put(ISSUES);
      json.value(issues);
      json.room(8);
    }
    json.put(END);
    this.onRecord();
  }

  /** Records written so far, by protocol. */
  records(): Record<string, number> {
    return Object.fromEntries([...this.protocols.values()].map((p) => [p.name, p.records]));
  }

  private protocolText(name: string): ProtocolText {
    let known = this.protocols.get(name);
    if (known === undefined) {
      known = { name, text: new Fixed(`,"protocol":"${name}","src":"`), records: 0 };
      this.protocols.set(name, known);
    }
    return known;
  }

  /** Many clients talk to few servers: the text of one that comes twice in a row is kept. */
  private endpoints4(flow: Flow, forward: boolean): void {
    const { json } = this;
    const { b0, bPort } = flow;
    if (b0 !== this.peer || bPort !== this.peerPort) {
      if (b0 !== this.nextPeer || bPort !== this.nextPort) {
        this.nextPeer = b0;
        this.nextPort = bPort;
        json.ipv4Word(forward ? flow.a0 : b0);
        json.put(SPORT);
        json.uint(forward ? flow.aPort : bPort);
        json.put(DST);
        json.ipv4Word(forward ? b0 : flow.a0);
        json.put(DPORT);
        json.uint(forward ? bPort : flow.aPort);
        return;
      }
      this.setPeer(flow);
    }
    if (forward) {
      json.ipv4Word(flow.a0);
      json.put(SPORT);
      json.uint(flow.aPort);
      json.put(this.peerAsTarget);
    } else {
      json.put(this.peerAsSource);
      json.ipv4Word(flow.a0);
      json.put(DPORT);
      json.uint(flow.aPort);
    }
  }

  private setPeer(flow: Flow): void {
    const { json } = this;
    const from = json.at;
    this.peer = flow.b0;
    this.peerPort = flow.bPort;
    json.ipv4Word(flow.b0);
    const text = json.text(from);
    json.at = from;
    this.peerAsTarget = new Fixed(`,"dst":"${text}","dport":${flow.bPort}`);
    this.peerAsSource = new Fixed(`${text}","sport":${flow.bPort},"dst":"`);
  }

  private frame(frame: number): void {
    const { json } = this;
    if (frame < 1000) {
      json.put(FRAME);
      json.uint(frame);
      return;
    }
    let last = frame - this.framesFrom;
    if (this.framesFrom < 0 || last < 0 || last >= 1000) {
      const thousands = Math.floor(frame / 1000);
      this.framesFrom = thousands * 1000;
      this.framesText = new Fixed(`{"frame":${thousands}`);
      last = frame - this.framesFrom;
    }
    json.put(this.framesText);
    json.digits3(last);
  }

  private time(mark: Mark): void {
    const { json } = this;
    if (mark.seconds !== this.lastSeconds) {
      this.lastSeconds = mark.seconds;
      this.secondsText = new Fixed(`,"time":${mark.seconds}.`);
    }
    json.put(this.secondsText);
    const { fraction } = mark;
    if (mark.digits === 6) {
      const high = (fraction / 1000) | 0;
      json.digits3(high);
      json.digits3(fraction - high * 1000);
    } else if (mark.digits === 9) {
      const high = Math.floor(fraction / 1e6);
      const rest = fraction - high * 1e6;
      const middle = Math.floor(rest / 1000);
      json.digits3(high);
      json.digits3(middle);
      json.digits3(rest - middle * 1000);
    } else if (mark.digits === 0) {
      json.at--; // No fraction, no point.
    } else {
      ascii(json, String(fraction).padStart(mark.digits, "0"));
    }
  }
}

/** Short text that needs no escape; the caller has room for it. */
function ascii(json: JsonWriter, text: string): void {
  for (let i = 0; i < text.length; i++) json.byte(text.charCodeAt(i));
}
