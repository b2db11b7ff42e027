/** The cache as data, to be loaded again. Times are what is left, so that a dump may wait. */
import type { CachedSet, Reply } from "./cache.ts";
import type { Core } from "./core.ts";

type Kept<T> = Omit<T, "expires" | "stored" | "answer" | "authority" | "additional"> & {
  readonly left: number;
};
type KeptSet = Kept<CachedSet>;
type KeptReply = Kept<Reply> & {
  readonly answer: readonly KeptSet[];
  readonly authority: readonly KeptSet[];
  readonly additional: readonly KeptSet[];
};

export interface CacheDump {
  readonly format: "netkit-dns-cache";
  readonly version: 1;
  readonly sets: readonly KeptSet[];
  readonly replies: readonly KeptReply[];
}

export function dumpCache(core: Core): CacheDump {
  const now = core.seconds;
  const set = ({ set: rrset, trust, security, expires }: CachedSet): KeptSet => ({
    set: rrset,
    trust,
    security,
    left: expires - now,
  });
  const sets: KeptSet[] = [];
  for (const one of core.cache.allSets()) if (one.expires > now) sets.push(set(one));
  const replies: KeptReply[] = [];
  for (const reply of core.cache.allReplies()) {
    const { stored: _stored, expires, ...rest } = reply;
    // What is for one network stays with it.
    if (expires <= now || reply.subnet !== undefined) continue;
    replies.push({
      ...rest,
      left: expires - now,
      answer: reply.answer.map(set),
      authority: reply.authority.map(set),
      additional: reply.additional.map(set),
    });
  }
  return { format: "netkit-dns-cache", version: 1, sets, replies };
}

export function loadCache(core: Core, dump: CacheDump): void {
  const now = core.seconds;
  const set = ({ left, ...rest }: KeptSet): CachedSet => ({
    ...rest,
    stored: now,
    expires: now + left,
  });
  for (const one of dump.sets) core.cache.restore(set(one));
  for (const { left, ...reply } of dump.replies)
    core.cache.putReply({
      ...reply,
      answer: reply.answer.map(set),
      authority: reply.authority.map(set),
      additional: reply.additional.map(set),
      stored: now,
      expires: now + left,
    });
}
