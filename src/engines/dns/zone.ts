/**
 * One zone as a tree of names that answers are made from. RFC 1034 4.2, RFC 4592 2.2 (empty
 * non-terminals exist), RFC 2181 5 (RRsets), RFC 5155 (NSEC3 owners are no names of the zone).
 *
 * A zone does not change: an update makes another one. Rdata becomes octets when first asked for;
 * each name in them is a NameRef, which knows where it stands in the message now being written, so
 * that compression costs one comparison a label.
 */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import { compareKeys, isWithin, nameKey, parentKey } from "../../codecs/dns/canonical.ts";
import { className, TYPE, typeName } from "../../codecs/dns/constants.ts";
import type { RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import { nameLabels } from "../../codecs/dns/name.ts";
import { encodeRdata, isOpaque, writePlainName } from "../../codecs/dns/rdata.ts";
import { COMPRESSIBLE } from "../../codecs/dns/rdata-table.ts";
import { Writer } from "../../codecs/writer.ts";

/** A name that the zone knows, in it or as a target. `epoch`, `at`: the message it was written to. */
export class NameRef {
  readonly key: NameKey;
  /** The first label with its length, in the case of the zone file. */
  readonly label: Uint8Array;
  readonly parent: NameRef | undefined;
  node: ZoneNode | undefined;
  epoch = 0;
  at = 0;

  constructor(key: NameKey, label: Uint8Array, parent: NameRef | undefined) {
    this.key = key;
    this.label = label;
    this.parent = parent;
  }
}

/** Octets of one rdata, and the names in them that may be compressed. */
export interface RdataWire {
  readonly bytes: Uint8Array;
  readonly names: readonly { readonly ref: NameRef; readonly from: number; readonly to: number }[];
}

export class Rrset {
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly records: readonly ResourceRecord[];
  /** RRSIGs over it. */
  readonly sigs: Rrset | undefined;
  /** Where answers begin, one further each time. */
  turn = 0;
  /** The message that it was last written to. */
  epoch = 0;
  /** Nodes whose addresses go along, found when first wanted. */
  extra: readonly NameRef[] | undefined;
  private compiled: readonly RdataWire[] | undefined;

  constructor(records: readonly ResourceRecord[], sigs: Rrset | undefined) {
    const [first] = records as [ResourceRecord];
    this.type = first.type;
    this.class = first.class;
    this.ttl = first.ttl;
    this.records = records;
    this.sigs = sigs;
  }

  wire(zone: Zone): readonly RdataWire[] {
    this.compiled ??= this.records.map((record) => compile(record, zone));
    return this.compiled;
  }
}

function compile({ type, rdata }: ResourceRecord, zone: Zone): RdataWire {
  const names: { ref: NameRef; from: number; to: number }[] = [];
  const writer = new Writer(64);
  encodeRdata(writer, type, rdata, (to, name, mayCompress) => {
    const from = to.at;
    writePlainName(to, name, mayCompress);
    if (COMPRESSIBLE.has(type)) names.push({ ref: zone.intern(name), from, to: to.at });
  });
  return { bytes: writer.finish(), names };
}

export class ZoneNode {
  readonly ref: NameRef;
  readonly parent: ZoneNode | undefined;
  readonly rrsets: Rrset[] = [];
  /** The delegation at or above it: below it the zone has no authority, only glue. */
  cut: ZoneNode | undefined;
  /** The node above it that has a DNAME, which hides it. */
  dname: ZoneNode | undefined;
  wildcard: ZoneNode | undefined;

  constructor(ref: NameRef, parent: ZoneNode | undefined) {
    this.ref = ref;
    this.parent = parent;
  }

  rrset(type: number): Rrset | undefined {
    const { rrsets } = this;
    for (let i = 0; i < rrsets.length; i++) {
      const rrset = rrsets[i] as Rrset;
      if (rrset.type === type) return rrset;
    }
    return undefined;
  }
}

/** What is wrong with a zone as a whole. */
export interface ZoneIssue {
  /** `error`: not to be served. */
  readonly level: "error" | "warning";
  readonly code: string;
  readonly spec: string;
  readonly message: string;
  readonly record: ResourceRecord | undefined;
}

export class ZoneError extends Error {
  readonly issues: readonly ZoneIssue[];
  constructor(issues: readonly ZoneIssue[]) {
    super(issues[0]?.message ?? "");
    this.name = "ZoneError";
    this.issues = issues;
  }
}

export interface SoaRdata {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export class Zone {
  readonly origin: NameKey;
  readonly name: string;
  readonly apex: ZoneNode;
  readonly soa: ResourceRecord;
  readonly soaRdata: SoaRdata;
  /** Nodes in canonical order that have an NSEC. */
  readonly nsecs: readonly ZoneNode[];
  /** By the first label (the hash in base32hex), ascending. */
  readonly nsec3s: readonly {
    readonly hash: string;
    readonly ref: NameRef;
    readonly rrset: Rrset;
  }[];
  readonly nsec3param: { readonly iterations: number; readonly salt: string } | undefined;
  readonly nodes: readonly ZoneNode[];
  private readonly refs = new Map<NameKey, NameRef>();

  /** @throws ZoneError when it may not be served */
  constructor(name: string, records: Iterable<ResourceRecord>) {
    this.name = name;
    this.origin = nameKey(name);
    const owners = new Map<NameKey, ResourceRecord[]>();
    for (const record of records) {
      const key = nameKey(record.name);
      const list = owners.get(key);
      if (list === undefined) owners.set(key, [record]);
      else list.push(record);
    }
    const errors: ZoneIssue[] = [];
    const soas = (owners.get(this.origin) ?? []).filter((r) => r.type === TYPE.SOA);
    const [soa] = soas;
    if (soa === undefined || isOpaque(soa.rdata))
      throw new ZoneError([issue("zone.soa", "RFC 1035 5.2", `${name} has no SOA record`)]);
    this.soa = soa;
    this.soaRdata = soa.rdata as RdataFields as unknown as SoaRdata;
    const nodes: ZoneNode[] = [];
    this.apex = this.place(name, nodes);
    const nsec3s: { hash: string; ref: NameRef; rrset: Rrset }[] = [];
    for (const [key, list] of owners) {
      const first = list[0] as ResourceRecord;
      if (!isWithin(key, this.origin)) {
        errors.push(
          issue("zone.outside", "RFC 1035 5.2", `${first.name} is not within ${name}`, first),
        );
        continue;
      }
      const stranger = list.find((record) => record.class !== soa.class);
      if (stranger !== undefined) {
        const classes = `${className(stranger.class)}, its zone of ${className(soa.class)}`;
        const message = `${first.name} is of class ${classes}`;
        errors.push(issue("zone.class", "RFC 1035 5.2", message, stranger));
        continue;
      }
      const rrsets = rrsetsOf(list);
      const nsec3 = rrsets.find((rrset) => rrset.type === TYPE.NSEC3);
      if (nsec3 !== undefined) {
        const ref = this.intern(first.name);
        nsec3s.push({ hash: key.slice(1, 1 + key.charCodeAt(0)), ref, rrset: nsec3 });
        if (rrsets.length === 1) continue;
      }
      const node = this.place(first.name, nodes);
      for (const rrset of rrsets) if (rrset !== nsec3) node.rrsets.push(rrset);
      checkNode(this, node, errors);
    }
    if (errors.length > 0) throw new ZoneError(errors);
    this.nodes = nodes;
    this.nsec3s = nsec3s.sort((a, b) => (a.hash < b.hash ? -1 : 1));
    for (const node of nodes) settle(node, this.apex);
    this.nsecs = nodes
      .filter((node) => node.rrset(TYPE.NSEC) !== undefined)
      .sort((a, b) => compareKeys(a.ref.key, b.ref.key));
    const param = this.apex.rrset(TYPE.NSEC3PARAM)?.records[0]?.rdata as RdataFields | undefined;
    this.nsec3param =
      param === undefined || this.nsec3s.length === 0
        ? undefined
        : { iterations: param["iterations"] as number, salt: param["salt"] as string };
  }

  get serial(): number {
    return this.soaRdata.serial;
  }

  get signed(): boolean {
    return this.nsecs.length > 0 || this.nsec3param !== undefined;
  }

  find(key: NameKey): NameRef | undefined {
    return this.refs.get(key);
  }

  /** The ref of a name, made when it is not known yet. */
  intern(name: string): NameRef {
    const labels = nameLabels(name);
    let ref = this.refs.get("\0");
    if (ref === undefined) {
      ref = new NameRef("\0", new Uint8Array(1), undefined);
      this.refs.set("\0", ref);
    }
    for (let i = labels.length - 1; i >= 0; i--) {
      const label = labels[i] as Uint8Array;
      let key = String.fromCharCode(label.length);
      for (const octet of label)
        key += String.fromCharCode(octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet);
      key += ref.key;
      let next = this.refs.get(key);
      if (next === undefined) {
        const wire = new Uint8Array(label.length + 1);
        wire[0] = label.length;
        wire.set(label, 1);
        next = new NameRef(key, wire, ref);
        this.refs.set(key, next);
      }
      ref = next;
    }
    return ref;
  }

  /** The node of a name within the zone, with those above it. */
  private place(name: string, nodes: ZoneNode[]): ZoneNode {
    return this.nodeOf(this.intern(name), nodes);
  }

  private nodeOf(ref: NameRef, nodes: ZoneNode[]): ZoneNode {
    if (ref.node !== undefined) return ref.node;
    const parent = ref.key === this.origin ? undefined : this.nodeOf(ref.parent as NameRef, nodes);
    const node = new ZoneNode(ref, parent);
    ref.node = node;
    nodes.push(node);
    if (parent !== undefined && ref.key.startsWith("\u0001*")) parent.wildcard = node;
    return node;
  }

  /** All records, the SOA first. */
  *records(): Generator<ResourceRecord> {
    yield this.soa;
    for (const node of this.nodes)
      for (const rrset of node.rrsets) {
        if (rrset.type !== TYPE.SOA) yield* rrset.records;
        if (rrset.sigs !== undefined) yield* rrset.sigs.records;
      }
    for (const { rrset } of this.nsec3s) {
      yield* rrset.records;
      if (rrset.sigs !== undefined) yield* rrset.sigs.records;
    }
  }

  /** The deepest node at or above a name within the zone. */
  closest(key: NameKey): ZoneNode {
    for (let at: NameKey | undefined = key; at !== undefined; at = parentKey(at)) {
      const node = this.refs.get(at)?.node;
      if (node !== undefined) return node;
    }
    return this.apex;
  }
}

function issue(
  code: string,
  spec: string,
  message: string,
  record?: ResourceRecord,
  level: ZoneIssue["level"] = "error",
): ZoneIssue {
  return { level, code, spec, message, record };
}

/** RRsets of one owner; RRSIGs go with what they cover, those that cover nothing stay alone. */
function rrsetsOf(records: readonly ResourceRecord[]): Rrset[] {
  const byType = new Map<number, ResourceRecord[]>();
  const sigs = new Map<number, ResourceRecord[]>();
  const seen = new Set<string>();
  for (const record of records) {
    const signature = record.type === TYPE.RRSIG && !isOpaque(record.rdata);
    const map = signature ? sigs : byType;
    const type = signature ? ((record.rdata as RdataFields)["typeCovered"] as number) : record.type;
    const list = map.get(type);
    const id = `${record.type} ${type} ${JSON.stringify(record.rdata)}`;
    if (list === undefined) map.set(type, [record]);
    else if (!seen.has(id)) list.push(record);
    seen.add(id);
  }
  const rrsets = [...byType].map(([type, list]) => {
    // RFC 2181 5.2: one TTL for all of an RRset; the least is meant.
    const ttl = Math.min(...list.map((record) => record.ttl));
    const of = sigs.get(type);
    sigs.delete(type);
    return new Rrset(
      list.map((record) => (record.ttl === ttl ? record : { ...record, ttl })),
      of === undefined ? undefined : new Rrset(of, undefined),
    );
  });
  for (const [, list] of sigs) rrsets.push(new Rrset(list, undefined));
  return rrsets;
}

function checkNode(zone: Zone, node: ZoneNode, errors: ZoneIssue[]): void {
  const cname = node.rrset(TYPE.CNAME);
  const name = node.rrsets[0]?.records[0]?.name ?? zone.name;
  const record = cname?.records[1] ?? cname?.records[0];
  if (cname !== undefined) {
    // RFC 2181 10.1 and RFC 4034 2.5: only what DNSSEC needs stands beside a CNAME.
    const others = node.rrsets.filter(
      ({ type }) =>
        type !== TYPE.CNAME && type !== TYPE.NSEC && type !== TYPE.RRSIG && type !== TYPE.KEY,
    );
    const [other] = others;
    if (other !== undefined)
      errors.push(
        issue(
          "zone.cname",
          "RFC 1034 3.6.2",
          `${name} has a CNAME beside ${typeName(other.type)}`,
          record,
        ),
      );
    if (cname.records.length > 1)
      errors.push(issue("zone.cname", "RFC 2181 10.1", `${name} has two CNAMEs`, record));
  }
  const dname = node.rrset(TYPE.DNAME);
  if (dname !== undefined && dname.records.length > 1)
    errors.push(issue("zone.dname", "RFC 6672 2.4", `${name} has two DNAMEs`, dname.records[1]));
  const soa = node.rrset(TYPE.SOA);
  if (soa !== undefined && (node !== zone.apex || soa.records.length > 1))
    errors.push(
      issue(
        "zone.soa",
        "RFC 1035 5.2",
        `${name} has an SOA that is one too many`,
        soa.records.at(-1),
      ),
    );
}

/** Parents come first in `nodes`, so theirs are known. */
function settle(node: ZoneNode, apex: ZoneNode): void {
  const { parent } = node;
  if (parent === undefined) return;
  node.cut = parent.cut ?? (node !== apex && node.rrset(TYPE.NS) !== undefined ? node : undefined);
  node.dname = parent.dname ?? (parent.rrset(TYPE.DNAME) === undefined ? undefined : parent);
}
