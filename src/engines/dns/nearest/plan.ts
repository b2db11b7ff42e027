/**
 * The file of `netkit dns serve --nearest`, from JSON to a plan: which edges a name has, where they
 * are, and where clients are. What is wrong is told with its place in the document.
 */
import type { NameKey } from "../../../codecs/dns/canonical.ts";
import { nameKey } from "../../../codecs/dns/canonical.ts";
import { EncodeError } from "../../../codecs/errors.ts";
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import type { Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { Network } from "./network.ts";
import { parseNetwork } from "./network.ts";

/** Degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
  /** As the file names it. */
  readonly name: string;
}

export interface Edge {
  readonly name: string;
  readonly v4: readonly string[];
  readonly v6: readonly string[];
  readonly place: Place | undefined;
  /** Clients that are its own, wherever they are. */
  readonly prefixes: readonly Network[];
  readonly capacity: number;
}

/** How the server finds out by itself whether edges are well. */
export interface EdgeCheck {
  readonly port: number;
  /** With it HTTP is asked, without it a connection is enough. */
  readonly path: string | undefined;
  readonly every: Nanos;
  readonly timeout: Nanos;
  readonly fails: number;
  readonly passes: number;
}

export interface NearestPlan {
  /** Of the answers, seconds. */
  readonly ttl: number;
  readonly high: number;
  readonly low: number;
  readonly hold: Nanos;
  readonly edges: readonly Edge[];
  readonly names: readonly {
    readonly key: NameKey;
    readonly name: string;
    readonly edges: readonly Edge[];
  }[];
  readonly clients: readonly { readonly network: Network; readonly place: Place }[];
  readonly check: EdgeCheck | undefined;
}

/** `place`: where in the document, e.g. `edges.fra.addresses[0]`. */
export class PlanError extends Error {
  readonly place: string;
  constructor(place: string, message: string) {
    super(`${place === "" ? "the document" : place}: ${message}`);
    this.name = "PlanError";
    this.place = place;
  }
}

const DEFAULT_TTL = 20;
const MAX_TTL = 86_400;
const MAX_SECONDS = 86_400;
const MAX_CHECKS = 100;
const KEYS = ["ttl", "high", "low", "hold", "places", "clients", "edges", "names", "check"];

type Fields = Readonly<Record<string, unknown>>;

function objectAt(value: unknown, place: string, keys?: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PlanError(place, "is no object");
  const unknown = keys === undefined ? [] : Object.keys(value).filter((k) => !keys.includes(k));
  if (unknown.length > 0)
    throw new PlanError(
      place === "" ? (unknown[0] as string) : `${place}.${unknown[0]}`,
      `is none of ${keys?.join(", ")}`,
    );
  return value as Fields;
}

function listAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new PlanError(place, "is no array");
  return value;
}

function textAt(value: unknown, place: string): string {
  if (typeof value !== "string") throw new PlanError(place, "is no string");
  return value;
}

function numberAt(
  value: unknown,
  place: string,
  [least, most]: readonly [number, number],
  otherwise?: number,
): number {
  if (value === undefined && otherwise !== undefined) return otherwise;
  if (typeof value !== "number" || !(value >= least && value <= most))
    throw new PlanError(place, `is no number from ${least} to ${most}`);
  return value;
}

function wholeAt(
  value: unknown,
  place: string,
  range: readonly [number, number],
  otherwise?: number,
): number {
  const number = numberAt(value, place, range, otherwise);
  if (!Number.isInteger(number)) throw new PlanError(place, "is no whole number");
  return number;
}

/** `[LATITUDE, LONGITUDE]`. */
function degreesAt(value: unknown, place: string, name: string): Place {
  const list = listAt(value, place);
  if (list.length !== 2) throw new PlanError(place, "is no [latitude, longitude]");
  return {
    latitude: numberAt(list[0], `${place}[0]`, [-90, 90]),
    longitude: numberAt(list[1], `${place}[1]`, [-180, 180]),
    name,
  };
}

function placeAt(value: unknown, place: string, known: ReadonlyMap<string, Place>): Place {
  if (typeof value !== "string") return degreesAt(value, place, JSON.stringify(value));
  const found = known.get(value);
  if (found === undefined) throw new PlanError(place, `"${value}" is none of the places`);
  return found;
}

function networkAt(text: unknown, place: string): Network {
  const network = parseNetwork(textAt(text, place));
  if (network === undefined)
    throw new PlanError(place, `"${text}" is no ADDRESS/BITS with zeros behind its bits`);
  return network;
}

function edgeAt(
  name: string,
  value: unknown,
  place: string,
  places: ReadonlyMap<string, Place>,
): Edge {
  const fields = objectAt(value, place, ["addresses", "place", "prefixes", "capacity"]);
  const v4: string[] = [];
  const v6: string[] = [];
  const addresses = listAt(fields["addresses"], `${place}.addresses`);
  addresses.forEach((one, i) => {
    const at = `${place}.addresses[${i}]`;
    const text = textAt(one, at);
    if (parseIpv4(text) !== undefined) v4.push(text);
    else if (parseIpv6(text) !== undefined) v6.push(text);
    else throw new PlanError(at, `"${text}" is no address`);
  });
  if (addresses.length === 0) throw new PlanError(`${place}.addresses`, "is empty");
  const prefixes = fields["prefixes"] === undefined ? [] : fields["prefixes"];
  return {
    name,
    v4,
    v6,
    place:
      fields["place"] === undefined
        ? undefined
        : placeAt(fields["place"], `${place}.place`, places),
    prefixes: listAt(prefixes, `${place}.prefixes`).map((one, i) =>
      networkAt(one, `${place}.prefixes[${i}]`),
    ),
    capacity: numberAt(
      fields["capacity"],
      `${place}.capacity`,
      [Number.MIN_VALUE, Number.MAX_VALUE],
      1,
    ),
  };
}

function checkAt(value: unknown): EdgeCheck | undefined {
  if (value === undefined) return undefined;
  const keys = ["port", "path", "every", "timeout", "fails", "passes"];
  const fields = objectAt(value, "check", keys);
  const path = fields["path"] === undefined ? undefined : textAt(fields["path"], "check.path");
  if (path !== undefined && !/^\/[!-~]*$/.test(path))
    throw new PlanError("check.path", "is no path that begins with / (RFC 9112 3.2.1)");
  const every = numberAt(fields["every"], "check.every", [0.1, MAX_SECONDS], 2);
  return {
    port: wholeAt(fields["port"], "check.port", [1, 65_535]),
    path,
    every: Math.round(every * SECOND),
    timeout: Math.round(
      numberAt(fields["timeout"], "check.timeout", [0.01, every], Math.min(1, every)) * SECOND,
    ),
    fails: wholeAt(fields["fails"], "check.fails", [1, MAX_CHECKS], 2),
    passes: wholeAt(fields["passes"], "check.passes", [1, MAX_CHECKS], 2),
  };
}

function keyAt(name: string, place: string): NameKey {
  try {
    return nameKey(name.endsWith(".") ? name : `${name}.`);
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw new PlanError(place, error.message);
  }
}

/** @throws PlanError */
export function readPlan(document: unknown): NearestPlan {
  const fields = objectAt(document, "", KEYS);
  const ttl = wholeAt(fields["ttl"], "ttl", [0, MAX_TTL], DEFAULT_TTL);
  const high = numberAt(fields["high"], "high", [Number.MIN_VALUE, 1000], 0.9);
  const places = new Map<string, Place>();
  for (const [name, value] of Object.entries(objectAt(fields["places"] ?? {}, "places")))
    places.set(name, degreesAt(value, `places.${name}`, name));
  const edges = new Map<string, Edge>();
  for (const [name, value] of Object.entries(objectAt(fields["edges"], "edges")))
    edges.set(name, edgeAt(name, value, `edges.${name}`, places));
  const taken = new Set<NameKey>();
  const names = Object.entries(objectAt(fields["names"], "names")).map(([name, value]) => {
    const place = `names["${name}"]`;
    const key = keyAt(name, place);
    if (taken.has(key)) throw new PlanError(place, "is there twice");
    taken.add(key);
    const list = listAt(value, place);
    if (list.length === 0) throw new PlanError(place, "has no edges");
    const of = list.map((one, i) => {
      const edge = edges.get(textAt(one, `${place}[${i}]`));
      if (edge === undefined)
        throw new PlanError(`${place}[${i}]`, `"${one}" is none of the edges`);
      return edge;
    });
    return { key, name: name.endsWith(".") ? name : `${name}.`, edges: of };
  });
  const clients = Object.entries(objectAt(fields["clients"] ?? {}, "clients")).map(
    ([text, value]) => {
      const place = `clients["${text}"]`;
      return { network: networkAt(text, place), place: placeAt(value, place, places) };
    },
  );
  return {
    ttl,
    high,
    low: numberAt(fields["low"], "low", [0, high], high * 0.75),
    hold: Math.round(numberAt(fields["hold"], "hold", [0, MAX_SECONDS], ttl) * SECOND),
    edges: [...edges.values()],
    names,
    clients,
    check: checkAt(fields["check"]),
  };
}
