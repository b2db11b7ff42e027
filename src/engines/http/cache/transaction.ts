/** One request through the cache: what is decided, fetched, validated, stored and answered. RFC 9111 4. */
import type { Field } from "../../../codecs/http/message.ts";
import { weakMatch } from "../conditions.ts";
import { httpDate } from "../date.ts";
import { field, joinedField, listMembers, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import { isSafe } from "../head.ts";
import { answerOf } from "./answer.ts";
import type { Cache } from "./cache.ts";
import type { Assessed, Decision } from "./decide.ts";
import { assess, choose, decide, standsIn } from "./decide.ts";
import { controlOf, parseDirectives } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";
import { isComplete } from "./entry.ts";
import type { Outcome, Reason, Verdict } from "./explain.ts";
import { reason } from "./explain.ts";
import type { CacheRequest, CacheSink, Handling, Upstream, UpstreamFlow } from "./flow.ts";
import { draftOf, keep } from "./keep.ts";
import { sameOriginKey } from "./key.ts";
import { joined } from "./memory-store.ts";
import { combine, missingOf, partOf, strongValidator } from "./partial.ts";
import { SharedBody } from "./shared-body.ts";
import { storable, updatedFields } from "./storable.ts";
import { readAll, sendStored } from "./stored-body.ts";
import { CONDITIONS, conditional, selectedBy } from "./validation.ts";
import { matches } from "./vary.ts";

/** A stored part that the rest is being fetched for. */
interface Completing {
  readonly stored: StoredResponse;
  readonly body: Uint8Array;
}

type Purpose = "fetch" | "validate" | "complete" | "head" | "other";

export class Transaction implements Handling {
  readonly request: CacheRequest;
  private readonly cache: Cache;
  private readonly upstream: Upstream;
  private readonly sink: CacheSink;
  private decision: Decision | undefined = undefined;
  private reasons: Reason[] = [];
  private flow: UpstreamFlow | undefined = undefined;
  /** Fetches so far: what an earlier one still brings is not for us. */
  private attempt = 0;
  private purpose: Purpose = "other";
  private requestMs = 0;
  /** What the sink's body comes from. */
  private source: Handling | undefined = undefined;
  private gone = false;
  private forgotten = false;
  /** The body that others may join, and the response that it belongs to. */
  private body: SharedBody | undefined = undefined;
  private draft: StoredResponse | undefined = undefined;
  private waiting: Transaction[] = [];
  private afterwards: Transaction[] = [];

  constructor(cache: Cache, request: CacheRequest, upstream: Upstream, sink: CacheSink) {
    this.cache = cache;
    this.request = request;
    this.upstream = upstream;
    this.sink = sink;
  }

  private get plain(): boolean {
    const { method } = this.request;
    return method === "GET" || method === "HEAD";
  }

  start(mayJoin = true): void {
    const { cache, request } = this;
    if (!this.plain) {
      const text = `${request.method} goes to the origin`;
      this.reasons = [reason("RFC 9111 4", text)];
      this.forward("other", request.fields);
      return;
    }
    const stored = cache.store.find(request.key);
    const decision = decide(stored, request, cache.rules, cache.now());
    this.decision = decision;
    this.reasons = [...decision.reasons];
    switch (decision.kind) {
      case "refuse":
        this.give(
          { statusCode: 504, fields: [] },
          this.outcome("refused", "detail=only-if-cached"),
        );
        this.sink.end([]);
        return;
      case "use":
      case "use-validate": {
        const { chosen } = decision;
        const stale = chosen.lifetime.seconds <= chosen.age;
        const ttl = Math.floor(chosen.lifetime.seconds - chosen.age);
        if (this.serve(chosen.entry, stale ? "stale" : "hit", `hit; ttl=${ttl}`, false)) {
          if (decision.kind === "use-validate") this.validateBehind();
        } else this.fetchOrComplete(chosen);
        return;
      }
      case "validate":
        if (mayJoin && this.join()) return;
        this.validate(decision.chosen, stored);
        return;
      case "fetch":
        if (mayJoin && decision.why !== "bypass" && this.join()) return;
        this.fetch(decision.why === "vary-miss" ? stored : []);
    }
  }

  // Sharing the fetch of another.

  private join(): boolean {
    const { cache, request } = this;
    const leader = cache.leaders.get(request.key);
    if (leader === undefined || leader === this || request.method !== "GET") return false;
    if (!cache.mayShare(request)) return false;
    return leader.take(this);
  }

  /** Another asks for what this one is fetching. */
  private take(other: Transaction): boolean {
    if (this.draft === undefined) {
      this.waiting.push(other);
      return true;
    }
    if (this.body?.joinable !== true || !matches(this.draft, other.request.fields)) return false;
    if (CONDITIONS.some((name) => field(other.request.fields, name) !== undefined)) {
      this.afterwards.push(other);
    } else other.collapse(this.draft, this.body);
    return true;
  }

  private collapse(draft: StoredResponse, body: SharedBody): void {
    if (this.gone) return;
    this.reasons.push(reason("RFC 9111 4", "shares the fetch of another request"));
    const { statusCode, reasonPhrase, fields } = draft;
    this.give(
      { statusCode, reasonPhrase, fields },
      this.outcome("collapsed", "fwd=uri-miss; collapsed"),
    );
    this.source = body.add(this.sink);
  }

  /** Another's validation, which came back after this one asked, is as good as its own. */
  private validatedBy(stored: StoredResponse): void {
    const fits = matches(stored, this.request.fields);
    if (fits) this.reasons.push(reason("RFC 9111 4", "shares the validation of another request"));
    if (!fits || !this.serve(stored, "collapsed", "fwd=stale; collapsed", true)) this.start(false);
  }

  private releaseWaiting(how: (one: Transaction) => void): void {
    for (const one of this.waiting.splice(0)) if (!one.gone) how(one);
  }

  // From the store.

  /** False: the stored part does not cover what is asked for. */
  private serve(
    stored: StoredResponse,
    verdict: Verdict,
    status: string,
    validated: boolean,
  ): boolean {
    const { cache, request } = this;
    const answer = answerOf(stored, request, cache.rules, cache.now(), validated);
    if (answer === undefined) return false;
    const reader = answer.part === undefined ? undefined : cache.store.open(stored);
    if (answer.part !== undefined && reader === undefined) return false;
    cache.store.touch(stored);
    if (answer.head.statusCode === 304) {
      this.reasons.push(reason("RFC 9111 4.3.2", "the client has it already: 304"));
    } else if (answer.head.statusCode === 206) {
      this.reasons.push(reason("RFC 9111 3.3", "a part of what is stored"));
    }
    this.give(answer.head, this.outcome(verdict, status, stored));
    if (answer.part === undefined || reader === undefined) this.sink.end([]);
    else this.source = sendStored(reader, answer.part.at, answer.part.length, this.sink);
    return true;
  }

  /** RFC 5861 3: nobody waits for it. */
  private validateBehind(): void {
    const { cache, request } = this;
    if (cache.leaders.has(request.key)) return;
    const asked = without(request.fields, ...CONDITIONS, "range", "cache-control");
    const behind = new Transaction(
      cache,
      { method: "GET", key: request.key, fields: asked },
      this.upstream,
      { head: () => {}, data: () => true, end: () => {}, failed: () => {} },
    );
    const stored = cache.store.find(request.key);
    const entry = choose(stored, behind.request);
    if (entry !== undefined) behind.validate(assess(entry, cache.rules, cache.now()), stored);
  }

  // To the origin.

  /** RFC 9111 4.3.1: the origin may choose one of the `others`, which were selected by other requests. */
  private fetch(others: readonly StoredResponse[]): void {
    const { request } = this;
    const own = CONDITIONS.some((name) => field(request.fields, name) !== undefined);
    const fields =
      request.method === "GET" && !own ? conditional(request.fields, undefined, others) : undefined;
    if (request.method === "HEAD") this.forward("head", request.fields);
    else if (fields === undefined) this.forward("fetch", request.fields);
    else this.forward("validate", fields);
  }

  private validate(chosen: Assessed, stored: readonly StoredResponse[]): void {
    this.decision = { kind: "validate", chosen, reasons: this.reasons };
    if (this.request.method === "HEAD") {
      this.forward("head", this.request.fields);
      return;
    }
    if (!isComplete(chosen.entry)) {
      this.forward("fetch", this.request.fields);
      return;
    }
    const fields = conditional(this.request.fields, chosen.entry, stored);
    this.forward(fields === undefined ? "fetch" : "validate", fields ?? this.request.fields);
  }

  /** RFC 9111 3.4: the rest of a part, or the whole where it cannot be told that it is the same. */
  private fetchOrComplete(chosen: Assessed): void {
    const { cache, request } = this;
    const { entry } = chosen;
    const missing = missingOf(entry);
    const validator = strongValidator(entry);
    const reader = missing === undefined ? undefined : cache.store.open(entry);
    const whole =
      request.method === "GET" && !CONDITIONS.some((n) => field(request.fields, n) !== undefined);
    const ranged = field(request.fields, "range") !== undefined;
    if (
      missing === undefined ||
      validator === undefined ||
      reader === undefined ||
      !whole ||
      ranged
    ) {
      reader?.close();
      this.reasons.push(reason("RFC 9111 3.3", "the stored part does not cover what is asked for"));
      this.forward("fetch", request.fields);
      return;
    }
    const length = (entry.range?.last ?? 0) - (entry.range?.first ?? 0) + 1;
    readAll(reader, length, (body) => {
      if (this.gone) return;
      if (body === undefined) {
        this.forward("fetch", request.fields);
        return;
      }
      this.reasons.push(reason("RFC 9111 3.4", `completes the stored part with ${missing.text}`));
      const fields = [
        ...request.fields,
        { name: "Range", value: missing.text },
        { name: "If-Range", value: validator },
      ];
      this.forward("complete", fields, { stored: entry, body });
    });
  }

  private forward(purpose: Purpose, fields: readonly Field[], completing?: Completing): void {
    const { cache, request } = this;
    this.purpose = purpose;
    this.requestMs = cache.now();
    if (purpose !== "other" && purpose !== "head") {
      cache.began(this);
      const bypass = this.decision?.kind === "fetch" && this.decision.why === "bypass";
      if (
        !bypass &&
        cache.mayShare(request) &&
        !cache.leaders.has(request.key) &&
        !cache.isAlone(request)
      )
        cache.leaders.set(request.key, this);
    }
    const attempt = ++this.attempt;
    const current = () => attempt === this.attempt;
    const flow = this.upstream(
      { method: request.method, fields, body: request.body },
      {
        informed: (head) => {
          if (current() && !this.gone) this.sink.informed?.(head);
        },
        head: (head) => {
          if (current()) this.onHead(head, completing);
        },
        data: (bytes) => {
          if (current()) this.body?.data(bytes);
        },
        end: (trailers) => {
          if (current()) this.onEnd(trailers);
        },
        failed: (why) => {
          if (current()) this.onFailed(why);
        },
      },
    );
    if (current()) this.flow = flow;
  }

  private onHead(came: ResponseHead, completing: Completing | undefined): void {
    const { cache } = this;
    const nowMs = cache.now();
    // RFC 9110 6.6.1: a response without a date gets the time of its coming.
    const dated =
      field(came.fields, "date") === undefined
        ? [...came.fields, { name: "Date", value: httpDate(nowMs) }]
        : came.fields;
    const head: ResponseHead = { ...came, fields: dated };
    if (this.purpose === "validate" && head.statusCode === 304) this.onNotModified(head, nowMs);
    else if (this.purpose === "validate" && head.statusCode >= 500 && this.standIn(false)) {
      this.discard();
      this.releaseWaiting((one) => {
        if (!one.standIn(false)) one.start(false);
      });
    } else if (this.purpose === "complete" && head.statusCode === 206)
      this.onCompleted(head, nowMs, completing as Completing);
    else this.onResponse(head, nowMs);
  }

  /** RFC 9111 4.3.4. */
  private onNotModified(head: ResponseHead, nowMs: number): void {
    const { cache, request } = this;
    this.discard();
    const chosen = this.chosen?.entry;
    const stored = cache.store.find(request.key).filter(isComplete);
    const updated = selectedBy(head, stored, chosen).map((one) => {
      const changed = this.freshened(one, head, nowMs);
      cache.store.update(one, changed);
      return { before: one, changed };
    });
    const serving = updated.find(({ before }) => before === chosen) ?? updated[0];
    if (serving === undefined) {
      const etag = field(head.fields, "etag");
      const own = listMembers(joinedField(request.fields, "if-none-match"));
      if (etag !== undefined && own.some((tag) => weakMatch(tag, etag))) {
        this.give(head, this.outcome("miss", "fwd=stale; fwd-status=304"));
        this.sink.end([]);
      } else {
        this.reasons.push(
          reason("RFC 9111 4.3.4", "a 304 for nothing that is stored: asked again"),
        );
        this.forward("fetch", without(request.fields, ...CONDITIONS));
        return;
      }
    } else {
      this.reasons.push(
        reason("RFC 9111 4.3.4", "the origin says 304: the stored response is updated"),
      );
      const after = assess(serving.changed, cache.rules, nowMs);
      const ttl = Math.floor(after.lifetime.seconds - after.age);
      const status = `${this.forwardedAs()}; fwd-status=304; ttl=${ttl}`;
      if (!this.gone && !this.serve(serving.changed, "revalidated", status, true)) {
        this.forward("fetch", without(request.fields, ...CONDITIONS));
        return;
      }
      this.releaseWaiting((one) => one.validatedBy(serving.changed));
      if (after.control.directives.has("no-store")) cache.store.remove(serving.changed);
    }
    this.releaseWaiting((one) => one.start(false));
  }

  private freshened(stored: StoredResponse, head: ResponseHead, nowMs: number): StoredResponse {
    const { rules } = this.cache;
    const { directives } = controlOf(head.fields, rules.targets);
    const before = without(stored.fields, "age");
    const fields = updatedFields(before, head.fields, directives, rules.shared);
    return { ...stored, fields, requestMs: this.requestMs, responseMs: nowMs, invalid: false };
  }

  private get chosen(): Assessed | undefined {
    const { decision } = this;
    return decision !== undefined && "chosen" in decision ? decision.chosen : undefined;
  }

  /** What is stored takes the place of an answer that did not come. */
  private standIn(disconnected: boolean): boolean {
    const { cache, request, chosen } = this;
    if (chosen === undefined) return false;
    const asked = parseDirectives(joinedField(request.fields, "cache-control"));
    const again = assess(chosen.entry, cache.rules, cache.now());
    const why = standsIn(again, asked, cache.rules, disconnected);
    if (why === undefined) return false;
    this.reasons.push(why);
    const ttl = Math.floor(again.lifetime.seconds - again.age);
    return this.gone || this.serve(chosen.entry, "stale", `hit; ttl=${ttl}; fwd=stale`, false);
  }

  /** The upstream's answer is not for the client. */
  private discard(): void {
    this.attempt++;
    this.cache.ended(this);
    this.body = undefined;
    this.flow = undefined;
  }

  private onCompleted(head: ResponseHead, nowMs: number, completing: Completing): void {
    const { cache, request } = this;
    const part = partOf(head.fields);
    const { stored, body } = completing;
    const validator = strongValidator({
      fields: head.fields,
      requestMs: this.requestMs,
      responseMs: nowMs,
    });
    const same =
      part !== undefined &&
      part.size === stored.size &&
      stored.range !== undefined &&
      // RFC 9110 13.1.5: a part in answer to If-Range is of what was named, unless it says otherwise.
      (validator === undefined || validator === strongValidator(stored));
    if (!same || part === undefined) {
      this.reasons.push(reason("RFC 9110 15.3.7.3", "the parts are not of one representation"));
      const { flow } = this;
      this.discard();
      flow?.abort();
      this.forward("fetch", request.fields);
      return;
    }
    const pieces: Uint8Array[] = [];
    const collecting = new SharedBody(() => this.flow, {
      maxBody: cache.store.maxBody,
      done: (rest) => {
        pieces.push(...rest);
      },
    });
    this.body = collecting;
    this.draft = undefined;
    collecting.add({
      data: () => true,
      end: () => {
        const all = combine(
          { range: stored.range as { first: number; last: number }, body },
          { range: part.range, body: joined(pieces) },
        );
        if (all === undefined || all.body.length !== stored.size) {
          this.forward("fetch", request.fields);
          return;
        }
        const fresh = this.freshened(stored, head, nowMs);
        const whole: StoredResponse = { ...fresh, range: undefined };
        if (!this.forgotten) cache.store.put(whole, [all.body], [stored]);
        if (this.gone) return;
        const answer = answerOf(whole, request, cache.rules, nowMs, true);
        if (answer === undefined) return;
        this.give(answer.head, this.outcome("hit", "fwd=partial; fwd-status=206; stored", stored));
        this.sink.data(all.body);
        this.sink.end([]);
      },
      failed: (why) => this.fail(why),
    });
  }

  private onResponse(head: ResponseHead, nowMs: number): void {
    const { cache, request, purpose } = this;
    const { statusCode, fields } = head;
    const { targets, shared } = cache.rules;
    const control = controlOf(fields, targets);
    if (purpose === "head" && statusCode === 200) this.updateByHead(head, nowMs);
    if (!isSafe(request.method) && statusCode >= 200 && statusCode < 400) {
      const keys = cache.invalidate(request.key, fields);
      this.reasons.push(reason("RFC 9111 4.4", `invalidates ${keys.join(", ")}`));
    }
    const answered = { statusCode, fields, requestMs: this.requestMs, responseMs: nowMs };
    const verdict = storable(request, answered, control, shared, (reference) => {
      return sameOriginKey(request.key, reference) === request.key;
    });
    this.reasons.push(verdict.reason);
    const tooLong = Number(field(fields, "content-length") ?? 0) > cache.store.maxBody;
    if (tooLong) this.reasons.push(reason("RFC 9111 3", "a larger body than the store takes"));
    const draft =
      verdict.store && !this.forgotten && !tooLong
        ? draftOf(request, head, control, shared, { requestMs: this.requestMs, responseMs: nowMs })
        : undefined;
    this.draft = draft;
    const status = `${this.forwardedAs()}; fwd-status=${statusCode}${draft === undefined ? "" : "; stored"}`;
    this.body = new SharedBody(
      () => this.flow,
      draft === undefined
        ? undefined
        : {
            maxBody: cache.store.maxBody,
            done: (pieces) => {
              if (!this.forgotten) keep(cache.store, draft, pieces);
            },
          },
    );
    const verdictText: Verdict = this.plain ? "miss" : "bypass";
    if (!this.gone) {
      this.give(head, this.outcome(verdictText, status));
      this.source = this.body.add(this.sink);
    }
    const { body } = this;
    if (draft === undefined || statusCode === 206) {
      if (cache.leaders.get(request.key) === this) cache.markAlone(request.key);
      this.draft = undefined;
      cache.ended(this);
      this.releaseWaiting((one) => one.start(false));
    } else {
      this.releaseWaiting((one) => {
        if (!this.take(one)) one.start(false);
      });
    }
    // Nobody is left to read what is not stored.
    if (this.gone && draft === undefined) body?.drop();
  }

  /** RFC 9111 4.3.5. */
  private updateByHead(head: ResponseHead, nowMs: number): void {
    const { cache, request } = this;
    const entry = choose(cache.store.find(request.key), request);
    if (entry === undefined || entry.statusCode !== 200) return;
    const length = field(head.fields, "content-length");
    const same =
      ["etag", "last-modified"].every((name) => {
        const told = field(head.fields, name);
        return told === undefined || told === field(entry.fields, name);
      }) &&
      (length === undefined || Number(length) === entry.size);
    const text = same ? "HEAD updates what is stored" : "HEAD tells that what is stored is old";
    this.reasons.push(reason("RFC 9111 4.3.5", text));
    const changed = same ? this.freshened(entry, head, nowMs) : { ...entry, invalid: true };
    cache.store.update(entry, changed);
  }

  private onEnd(trailers: readonly Field[]): void {
    const { body } = this;
    this.flow = undefined;
    this.body = undefined;
    body?.end(trailers);
    if (body === undefined) return;
    this.cache.ended(this);
    this.releaseAfterwards();
  }

  private releaseAfterwards(): void {
    for (const one of this.afterwards.splice(0)) if (!one.gone) one.start(false);
  }

  private onFailed(why: Error): void {
    const { body, cache } = this;
    this.flow = undefined;
    this.body = undefined;
    cache.ended(this);
    if (body !== undefined) {
      body.fail(why);
      this.releaseAfterwards();
      return;
    }
    if (!this.standIn(true)) this.fail(why);
    this.releaseWaiting((one) => {
      if (!one.standIn(true)) one.fail(why);
    });
  }

  private fail(why: Error): void {
    if (!this.gone) this.sink.failed(why, this.outcome("miss", this.forwardedAs()));
  }

  // What is told.

  private give(head: ResponseHead, outcome: Outcome): void {
    this.sink.head(head, outcome);
  }

  private forwardedAs(): string {
    const { decision } = this;
    if (!this.plain) return "fwd=method";
    switch (decision?.kind) {
      case "fetch":
        return `fwd=${decision.why}`;
      case "use":
        return "fwd=partial";
      default: {
        const fresh = this.chosen !== undefined && this.chosen.lifetime.seconds > this.chosen.age;
        return fresh ? "fwd=request" : "fwd=stale";
      }
    }
  }

  private outcome(verdict: Verdict, status: string, stored = this.chosen?.entry): Outcome {
    return { verdict, reasons: this.reasons, stored, status };
  }

  // What the client and the cache ask for.

  resume(): void {
    this.source?.resume();
  }

  abort(): void {
    if (this.gone) return;
    this.gone = true;
    this.source?.abort();
    // Before the head: others may wait for it, or it may be stored.
    const shared = this.waiting.some((one) => !one.gone) || this.purpose !== "other";
    if (this.source === undefined && !shared) this.flow?.abort();
  }

  /** What is being fetched is not stored: it may be older than a change. */
  forget(): void {
    this.forgotten = true;
    this.body?.drop();
    this.draft = undefined;
  }
}
