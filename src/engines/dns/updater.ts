/**
 * UPDATE as a service: one after the other for each zone, on the disk before the zone is another
 * and the answer is sent. RFC 2136 3.5 (stable storage), 3.7.
 */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import { RCODE } from "../../codecs/dns/constants.ts";
import type { DnsMessage } from "../../codecs/dns/message.ts";
import type { Clock, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import type { DnsClient } from "./listener.ts";
import type { ZoneKeys } from "./online-signing.ts";
import { changesSigning, endsSoon, resign } from "./online-signing.ts";
import { applyUpdate, nextSoa } from "./update.ts";
import type { JournalDamage, UpdateJournal } from "./update-journal.ts";
import { replay } from "./update-journal.ts";
import { Zone, ZoneError } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { applyDiffs, diffZones } from "./zone-diff.ts";

/** Signatures last days, so that it need not be often. */
const LOOK_AGAIN = 3600 * SECOND;
const COMPACT_ABOVE = 1 << 20;
/** Updates of one zone that wait for the disk. */
const MAX_WAITING = 1000;

export interface UpdaterOptions {
  mayUpdate(client: DnsClient, zone: Zone, key: string | undefined): boolean;
  zoneOf(origin: NameKey): Zone | undefined;
  /** Serve it and tell the secondaries. */
  onZone(zone: Zone, diffs: readonly ZoneDiff[] | undefined): void;
  onFailure?(why: string): void;
  /** Octets of a journal that becomes one change when it is read; 1 MiB. */
  readonly compactAbove?: number | undefined;
  /** For zones that are signed while they change. */
  readonly clock?: Pick<Clock, "now" | "wallMs" | "timer"> | undefined;
}

type Job = (done: () => void) => void;

export class Updater {
  private readonly options: UpdaterOptions;
  private readonly journals = new Map<NameKey, UpdateJournal>();
  private readonly waiting = new Map<NameKey, Job[]>();
  private readonly keys = new Map<NameKey, ZoneKeys>();
  private timer: Timer | undefined;

  constructor(options: UpdaterOptions) {
    this.options = options;
  }

  /** Plays the journal of a zone from its file; from then on the zone takes updates, if signed with `keys`. */
  open(zone: Zone, journal: UpdateJournal, done: () => void, keys?: ZoneKeys): void {
    this.play(zone, journal, () => {
      this.journals.set(zone.origin, journal);
      if (keys === undefined) return done();
      this.keys.set(zone.origin, keys);
      this.timer ??= this.options.clock?.timer(() => this.renewAll());
      this.renewAll();
      done();
    });
  }

  /** Signs what ends soon, in each zone that we sign, and looks again later. */
  private renewAll(): void {
    const { clock } = this.options;
    if (clock === undefined) return;
    for (const [origin, keys] of this.keys)
      this.enqueue(origin, (done) => this.renew(origin, keys, done));
    this.timer?.armAt(clock.now() + LOOK_AGAIN);
  }

  private renew(origin: NameKey, keys: ZoneKeys, done: () => void): void {
    const zone = this.options.zoneOf(origin);
    const journal = this.journals.get(origin);
    if (zone === undefined || journal === undefined || !endsSoon(zone, this.seconds()))
      return done();
    const records = [...zone.records()].map((record) =>
      record === zone.soa ? nextSoa(record) : record,
    );
    const after = resign(zone, records, keys, this.seconds());
    this.commit(zone, after, diffZones(zone, after), journal, done);
  }

  private seconds(): number {
    return Math.floor((this.options.clock?.wallMs() ?? 0) / 1000);
  }

  /** The file was read again: what was changed since stays, unless the file has a serial of its own. */
  reload(zone: Zone, keys?: ZoneKeys): void {
    const journal = this.journals.get(zone.origin);
    if (journal === undefined) return;
    if (keys === undefined) this.keys.delete(zone.origin);
    else this.keys.set(zone.origin, keys);
    this.enqueue(zone.origin, (done) => {
      journal.close();
      this.play(zone, journal, done);
    });
  }

  private play(zone: Zone, journal: UpdateJournal, done: () => void): void {
    journal.load((error, diffs, damage) => {
      if (error !== null) {
        this.options.onFailure?.(`${zone.name}: no journal: ${error.message}`);
        return done();
      }
      if (damage !== undefined) this.tellDamage(zone, journal.path, damage);
      const { zone: now, played, stale } = replay(zone, diffs);
      if (stale)
        this.options.onFailure?.(`${zone.name}: the journal is of another version, set aside`);
      const served = this.options.zoneOf(zone.origin);
      if (served?.serial !== now.serial)
        this.options.onZone(now, served?.serial === zone.serial ? played : undefined);
      if (stale) return journal.discard(done);
      const most = this.options.compactAbove ?? COMPACT_ABOVE;
      if (played.length < 2 || journal.size <= most) return done();
      journal.compact(diffZones(zone, now), (uncompacted) => {
        if (uncompacted !== null)
          this.options.onFailure?.(
            `${zone.name}: the journal stays as long as it is: ${uncompacted.message}`,
          );
        done();
      });
    });
  }

  private tellDamage(zone: Zone, path: string, { entry, lost }: JournalDamage): void {
    this.options.onFailure?.(
      `${zone.name}: ${path}: entry ${entry} is damaged; it and ${lost} whole ones after it are not served, the file is kept as ${path}.old`,
    );
  }

  close(): void {
    this.timer?.armAt(undefined);
    for (const journal of this.journals.values()) journal.close();
    this.journals.clear();
  }

  request(
    zone: Zone,
    message: DnsMessage,
    client: DnsClient,
    key: string | undefined,
    answer: (rcode: number) => void,
  ): void {
    // A signed zone whose keys are elsewhere would be bogus after a change made here.
    const keys = this.keys.get(zone.origin);
    const keyless = zone.signed && keys === undefined;
    if (!this.options.mayUpdate(client, zone, key) || keyless) return answer(RCODE.REFUSED);
    if (keys !== undefined && changesSigning(message.authority)) return answer(RCODE.REFUSED);
    const journal = this.journals.get(zone.origin);
    if (journal === undefined) return answer(RCODE.REFUSED);
    const taken = this.enqueue(zone.origin, (done) =>
      this.perform(zone.origin, journal, message, (rcode) => {
        answer(rcode);
        done();
      }),
    );
    if (!taken) answer(RCODE.SERVFAIL);
  }

  private enqueue(origin: NameKey, job: Job): boolean {
    const queue = this.waiting.get(origin) ?? [];
    this.waiting.set(origin, queue);
    if (queue.length >= MAX_WAITING) return false;
    queue.push(job);
    if (queue.length === 1) this.next(queue);
    return true;
  }

  private next(queue: Job[]): void {
    queue[0]?.(() => {
      queue.shift();
      this.next(queue);
    });
  }

  private perform(
    origin: NameKey,
    journal: UpdateJournal,
    message: DnsMessage,
    answer: (rcode: number) => void,
  ): void {
    const zone = this.options.zoneOf(origin);
    if (zone === undefined) return answer(RCODE.NOTAUTH);
    const outcome = applyUpdate(zone, message);
    if (!("diff" in outcome) || outcome.diff === undefined) return answer(outcome.rcode);
    const after = this.changed(zone, outcome.diff);
    if (after === undefined) return answer(RCODE.REFUSED);
    const diff = this.keys.has(origin) ? diffZones(zone, after) : outcome.diff;
    this.commit(zone, after, diff, journal, (error) =>
      answer(error === null ? RCODE.NOERROR : RCODE.SERVFAIL),
    );
  }

  /** On the disk first, then served. */
  private commit(
    before: Zone,
    after: Zone,
    diff: ZoneDiff,
    journal: UpdateJournal,
    done: (error: Error | null) => void,
  ): void {
    journal.append(diff, (error) => {
      if (error === null) this.options.onZone(after, [diff]);
      else this.options.onFailure?.(`${before.name}: an update was refused: ${error.message}`);
      done(error);
    });
  }

  /** Undefined: it may not be served. */
  private changed(zone: Zone, diff: ZoneDiff): Zone | undefined {
    const records = applyDiffs(zone, [diff]);
    const keys = this.keys.get(zone.origin);
    try {
      if (records === undefined) return undefined;
      if (keys !== undefined) return resign(zone, records, keys, this.seconds());
      return new Zone(zone.name, records);
    } catch (error) {
      if (!(error instanceof ZoneError)) throw error;
      return undefined;
    }
  }
}
