/** Words of `http cdn`: sites, edges and where clients are. */

import { parseUri } from "../../codecs/http/uri.ts";
import type { NearestPlan } from "../../engines/dns/nearest/plan.ts";
import { PlanError, readPlan } from "../../engines/dns/nearest/plan.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import { originOf } from "../../engines/http/fetch/origin.ts";
import type { ListenAddress } from "../../engines/http/server.ts";
import { CommandError } from "../../failure.ts";
import { listenAddress } from "../listen.ts";

export interface EdgeWord {
  readonly name: string;
  readonly at: ListenAddress;
  readonly place: readonly [latitude: number, longitude: number] | undefined;
  readonly capacity: number | undefined;
}

const DEGREES = "(-?[0-9]+(?:\\.[0-9]+)?),(-?[0-9]+(?:\\.[0-9]+)?)";
const EDGE = new RegExp(`^([A-Za-z0-9-]+)=([^@*]+)(?:@${DEGREES})?(?:\\*([0-9]+))?$`);
const CLIENT = new RegExp(`^([0-9a-fA-F.:]+/[0-9]+)@${DEGREES}$`);

/** `fra=127.0.1.1:8090@50.1,8.7*1000`: name, address, place, requests a second. @throws CommandError */
export function edgeOf(text: string): EdgeWord {
  const match = EDGE.exec(text);
  if (match === null) {
    throw new CommandError(
      `--edge ${text}: write it as NAME=ADDRESS:PORT@LATITUDE,LONGITUDE*CAPACITY`,
    );
  }
  const [, name = "", at = "", latitude, longitude, capacity] = match;
  if (Math.abs(Number(latitude ?? 0)) > 90 || Math.abs(Number(longitude ?? 0)) > 180)
    throw new CommandError(`--edge ${text}: latitudes go to 90 degrees, longitudes to 180`);
  return {
    name,
    at: listenAddress(at, "--edge"),
    place: latitude === undefined ? undefined : [Number(latitude), Number(longitude)],
    capacity: capacity === undefined ? undefined : Number(capacity),
  };
}

/** `www.foo.com=http://127.0.0.1:8080`. @throws CommandError */
export function sitesOf(words: readonly string[]): Map<string, Origin> {
  const sites = new Map<string, Origin>();
  for (const word of words) {
    const at = word.indexOf("=");
    const uri = parseUri(word.slice(at + 1));
    const origin = uri === undefined ? undefined : originOf(uri);
    if (at <= 0 || origin === undefined || !["", "/"].includes(uri?.path ?? "")) {
      throw new CommandError(`--site ${word}: write it as NAME=http://HOST:PORT`);
    }
    sites.set(word.slice(0, at).toLowerCase(), origin);
  }
  return sites;
}

/** The plan of the DNS that chooses edges. @throws CommandError */
export function planOf(
  name: string,
  edges: readonly EdgeWord[],
  clients: readonly string[],
  ttl: number,
): NearestPlan {
  const places: Record<string, readonly number[]> = {};
  const clientPlaces: Record<string, string> = {};
  clients.forEach((text, i) => {
    const match = CLIENT.exec(text);
    if (match === null)
      throw new CommandError(`--client ${text}: write it as NETWORK/LENGTH@LATITUDE,LONGITUDE`);
    places[`client${i}`] = [Number(match[2]), Number(match[3])];
    clientPlaces[match[1] as string] = `client${i}`;
  });
  const described: Record<string, object> = {};
  for (const { name: edge, at, place, capacity } of edges) {
    if (place !== undefined) places[edge] = place;
    described[edge] = {
      addresses: [at.addr],
      ...(place === undefined ? {} : { place: edge }),
      ...(capacity === undefined ? {} : { capacity }),
    };
  }
  const document = {
    ttl,
    places,
    clients: clientPlaces,
    edges: described,
    names: { [name]: edges.map((edge) => edge.name) },
  };
  try {
    return readPlan(document);
  } catch (error) {
    if (error instanceof PlanError) throw new CommandError(`http cdn: ${error.message}`);
    throw error;
  }
}
