/**
 * UPDATE as a service: one after the other for each zone, on the disk before the zone is another
 * and the answer is sent. RFC 2136 3.5 (stable storage), 3.7.
 */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import { RCODE } from "../../codecs/dns/constants.ts";
import type { DnsMessage } from "../../codecs/dns/message.ts";
import type { DnsClient } from "./listener.ts";
import { applyUpdate } from "./update.ts";
import type { JournalDamage, UpdateJournal } from "./update-journal.ts";
import { replay } from "./update-journal.ts";
import { Zone, ZoneError } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { applyDiffs } from "./zone-diff.ts";

/** Updates of one zone that wait for the disk. */
const MAX_WAITING = 1000;

export interface UpdaterOptions {
  mayUpdate(client: DnsClient, zone: Zone, key: string | undefined): boolean;
  zoneOf(origin: NameKey): Zone | undefined;
  /** Serve it and tell the secondaries. */
  onZone(zone: Zone, diffs: readonly ZoneDiff[] | undefined): void;
  onFailure?(why: string): void;
}

type Job = (done: () => void) => void;

export class Updater {
  private readonly options: UpdaterOptions;
  private readonly journals = new Map<NameKey, UpdateJournal>();
  private readonly waiting = new Map<NameKey, Job[]>();

  constructor(options: UpdaterOptions) {
    this.options = options;
  }

  /** Plays the journal of a zone from its file; from then on the zone takes updates. */
  open(zone: Zone, journal: UpdateJournal, done: () => void): void {
    this.play(zone, journal, () => {
      this.journals.set(zone.origin, journal);
      done();
    });
  }

  /** The file was read again: what was changed since stays, unless the file has a serial of its own. */
  reload(zone: Zone): void {
    const journal = this.journals.get(zone.origin);
    if (journal === undefined) return;
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
      if (stale) journal.discard(done);
      else done();
    });
  }

  private tellDamage(zone: Zone, path: string, { entry, lost }: JournalDamage): void {
    this.options.onFailure?.(
      `${zone.name}: ${path}: entry ${entry} is damaged; it and ${lost} whole ones after it are not served, the file is kept as ${path}.old`,
    );
  }

  close(): void {
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
    // RFC 2136 3.3: a zone that we sign would be bogus after a change made here.
    if (!this.options.mayUpdate(client, zone, key) || zone.signed) return answer(RCODE.REFUSED);
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
    const { diff } = outcome;
    const after = changed(zone, diff);
    if (after === undefined) return answer(RCODE.REFUSED);
    journal.append(diff, (error) => {
      if (error !== null) {
        this.options.onFailure?.(`${zone.name}: an update was refused: ${error.message}`);
        return answer(RCODE.SERVFAIL);
      }
      this.options.onZone(after, [diff]);
      answer(RCODE.NOERROR);
    });
  }
}

/** Undefined: it may not be served. */
function changed(zone: Zone, diff: ZoneDiff): Zone | undefined {
  const records = applyDiffs(zone, [diff]);
  try {
    return records === undefined ? undefined : new Zone(zone.name, records);
  } catch (error) {
    if (!(error instanceof ZoneError)) throw error;
    return undefined;
  }
}
