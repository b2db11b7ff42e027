/** What all tasks of one resolver share. */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { StateError } from "../../errors.ts";
import type { Nanos, Random } from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { Algorithms } from "../dnssec/keys.ts";
import { algorithms } from "../dnssec/keys.ts";
import { keyOf } from "../dnssec/names.ts";
import type { Reply } from "./cache.ts";
import { Cache } from "./cache.ts";
import { Infrastructure } from "./infra.ts";
import { NegativeStore } from "./negative.ts";
import type { ResolverOptions, ServerAddress } from "./options.ts";
import type { Job, Task, Wait } from "./task.ts";
import type { KeyEntry } from "./trust.ts";
import type { ClientSubnet, Place } from "./work.ts";

/** One question to one server. */
export interface UpstreamQuery {
  readonly server: ServerAddress;
  readonly tcp: boolean;
  readonly name: string;
  readonly type: number;
  readonly recursive: boolean;
  readonly checkingDisabled: boolean;
  readonly edns: boolean;
  readonly randomCase: boolean;
  readonly subnet: ClientSubnet | undefined;
  readonly timeoutMs: number;
}

export type UpstreamResult =
  | { readonly kind: "reply"; readonly message: DnsMessage; readonly rttMs: number }
  /** `case-mismatch`: right but for the case of the name's letters. */
  | { readonly kind: "timeout" | "unreachable" | "malformed" | "case-mismatch" };

/** Addresses for a zone's servers as its parent told them, for when the zone's own do not work. */
export interface ParentSide {
  readonly names: readonly string[];
  readonly glue: ReadonlyMap<string, readonly string[]>;
  readonly expires: number;
}

const MAX_PARENT_SIDES = 20_000;

export class Core {
  readonly options: ResolverOptions;
  readonly cache: Cache;
  readonly infra = new Infrastructure();
  readonly negative = new NegativeStore();
  readonly keys = new Map<string, KeyEntry>();
  readonly jobs = new Map<string, Job<Reply>>();
  readonly random: Random;
  readonly known: Algorithms;
  readonly anchors: ReadonlySet<string>;
  readonly insecure: ReadonlySet<string>;
  private readonly parents = new Map<string, ParentSide>();
  now: Nanos = 0;
  wallSeconds = 0;
  /** Sends; given by the machine. */
  readonly exchange: (query: UpstreamQuery) => Wait;
  /** Answers a question from the cache or the servers; given by the machine. */
  fetch: (place: Place, name: string, type: number) => Task<Reply> = () => {
    throw new StateError("the resolver is not wired");
  };
  /** Questions that went out, ever. */
  sent = 0;

  constructor(options: ResolverOptions, random: Random, exchange: (query: UpstreamQuery) => Wait) {
    this.options = options;
    this.random = random;
    this.exchange = exchange;
    this.cache = new Cache(options);
    this.known = algorithms(options.oldAlgorithms);
    this.anchors = new Set(options.anchors.map(({ name }) => keyOf(name)));
    this.insecure = new Set(options.insecureZones.map(keyOf));
  }

  get seconds(): number {
    return Math.floor(this.now / SECOND);
  }

  /** Seconds since 1970, for which signatures are judged. */
  get validationTime(): number {
    return this.options.validationTime ?? this.wallSeconds;
  }

  parentSide(zone: string): ParentSide | undefined {
    const side = this.parents.get(zone);
    return side !== undefined && side.expires > this.seconds ? side : undefined;
  }

  learnParentSide(zone: string, side: ParentSide): void {
    this.parents.delete(zone);
    this.parents.set(zone, side);
    if (this.parents.size > MAX_PARENT_SIDES)
      this.parents.delete(this.parents.keys().next().value as string);
  }
}
