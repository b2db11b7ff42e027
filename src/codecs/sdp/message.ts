/** Session descriptions as plain data. RFC 8866 5. */

export interface Origin {
  readonly username: string;
  /** Decimal digits: often beyond 2^53. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly netType: string;
  readonly addrType: string;
  readonly address: string;
}

/** `c=`: the address may end in `/ttl` or `/count` (RFC 8866 5.7). */
export interface Connection {
  readonly netType: string;
  readonly addrType: string;
  readonly address: string;
}

export interface Bandwidth {
  readonly type: string;
  /** Kilobits per second for CT and AS. */
  readonly bandwidth: number;
}

export interface Attribute {
  readonly name: string;
  /** Absent for a property attribute (`a=recvonly`). */
  readonly value?: string;
}

/** `t=` with its `r=` lines, as sent. */
export interface Timing {
  readonly start: string;
  readonly stop: string;
  readonly repeats: readonly string[];
}

export interface MediaDescription {
  readonly media: string;
  readonly port: number;
  /** After a slash: how many ports. RFC 8866 5.14. */
  readonly portCount?: number;
  readonly proto: string;
  readonly formats: readonly string[];
  readonly information?: string;
  readonly connections: readonly Connection[];
  readonly bandwidths: readonly Bandwidth[];
  readonly key?: string;
  readonly attributes: readonly Attribute[];
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly name: string;
  readonly information?: string;
  readonly uri?: string;
  readonly emails: readonly string[];
  readonly phones: readonly string[];
  readonly connection?: Connection;
  readonly bandwidths: readonly Bandwidth[];
  readonly timings: readonly Timing[];
  readonly zones?: string;
  readonly key?: string;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaDescription[];
}

/** RFC 8866 6.6. */
export interface RtpMap {
  readonly payloadType: number;
  readonly encoding: string;
  /** Hertz. */
  readonly clockRate: number;
  readonly parameters?: string;
}

/** The rtpmap attributes of a media description; malformed ones are left out. */
export function rtpMaps(media: MediaDescription): RtpMap[] {
  const maps: RtpMap[] = [];
  for (const { name, value } of media.attributes) {
    if (name !== "rtpmap" || value === undefined) continue;
    const parts = /^([0-9]{1,3}) +([^/ ]+)\/([0-9]{1,9})(?:\/(.+))?$/.exec(value.trim());
    if (parts === null) continue;
    const map = {
      payloadType: Number(parts[1]),
      encoding: parts[2] as string,
      clockRate: Number(parts[3]),
    };
    maps.push(parts[4] === undefined ? map : { ...map, parameters: parts[4] });
  }
  return maps;
}
