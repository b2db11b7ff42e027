/** `netkit http cache explain`: what is stored in a folder, or two heads, and what a cache makes of it. */
import { readFileSync } from "node:fs";
import { DecodeError } from "../../codecs/errors.ts";
import type { Head } from "../../codecs/http/head.ts";
import { HttpParser } from "../../codecs/http/parser.ts";
import { parseUri } from "../../codecs/http/uri.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { CacheRules, Decision } from "../../engines/http/cache/decide.ts";
import { assess, decide } from "../../engines/http/cache/decide.ts";
import { DiskStore } from "../../engines/http/cache/disk-store.ts";
import type { StoredResponse } from "../../engines/http/cache/entry.ts";
import type { Reason } from "../../engines/http/cache/explain.ts";
import { reason } from "../../engines/http/cache/explain.ts";
import { explainHeads } from "../../engines/http/cache/explain-heads.ts";
import { keyOf } from "../../engines/http/cache/key.ts";
import type { Asked } from "../../engines/http/cache/storable.ts";
import { originOf, targetOf } from "../../engines/http/fetch/origin.ts";
import { field } from "../../engines/http/fields.ts";
import type { ResponseHead } from "../../engines/http/head.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { palette } from "../../render/color.ts";
import type { Explained } from "../../render/http/explained.ts";
import { renderExplained } from "../../render/http/explained.ts";
import { fieldOf } from "../fetch/settings.ts";

export interface ExplainFlags {
  readonly cache?: string | undefined;
  readonly header: readonly string[];
  readonly method: string;
  readonly private: boolean;
  readonly after: string;
  readonly next?: string | undefined;
  readonly targeted: boolean;
  readonly json: boolean;
}

/** Every folder holds what fits; this only has to be large enough to read it. */
const ANY_SIZE = Number.MAX_SAFE_INTEGER;

export async function explain(words: readonly string[], flags: ExplainFlags): Promise<number> {
  const rules: CacheRules = {
    shared: !flags.private,
    targets: flags.targeted ? ["CDN-Cache-Control"] : [],
  };
  const all =
    flags.cache === undefined
      ? explainFiles(words, flags, rules)
      : await explainFolder(flags.cache, words, flags, rules);
  for (const one of all) {
    process.stdout.write(flags.json ? `${JSON.stringify(one)}\n` : renderExplained(one, palette()));
  }
  return all.length === 0 ? EXIT.negative : EXIT.done;
}

function explainFiles(
  words: readonly string[],
  flags: ExplainFlags,
  rules: CacheRules,
): Explained[] {
  const [requestFile, responseFile, ...more] = words;
  if (requestFile === undefined || responseFile === undefined || more.length > 0) {
    throw new CommandError(
      "http cache explain: name the files of a request's and a response's head, or a folder with --cache",
    );
  }
  const after = Number(flags.after);
  if (!(after >= 0)) throw new CommandError(`--after ${flags.after}: not a number of seconds`);
  const request = requestOf(requestFile);
  const response = responseOf(responseFile);
  const next = flags.next === undefined ? request : requestOf(flags.next);
  const found = explainHeads(request, response, next, rules, Date.now(), after * 1000);
  const first: Explained = {
    method: request.method,
    uri: request.key,
    statusCode: response.statusCode,
    verdict: found.stored === undefined ? "not stored" : "stored",
    reasons: [found.storing],
    stored: found.stored?.fields,
  };
  if (found.decision === undefined) return [first];
  return [first, told(next, found.decision, undefined)];
}

async function explainFolder(
  folder: string,
  urls: readonly string[],
  flags: ExplainFlags,
  rules: CacheRules,
): Promise<Explained[]> {
  const host = new LiveHost();
  const store = new DiskStore({
    disk: host.disk,
    folder,
    limit: ANY_SIZE,
    prefix: "none",
    readOnly: true,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      store.start((error) => {
        if (error === null) resolve();
        else
          reject(new CommandError(`--cache ${folder}: cannot be read (${error.code})`, EXIT.input));
      });
    });
  } finally {
    host.stop();
  }
  const nowMs = Date.now();
  if (urls.length === 0) return store.all().map((one) => listed(one, rules, nowMs));
  return urls.map((url) => {
    const asked: Asked = {
      method: flags.method,
      key: keyOfUrl(url),
      fields: flags.header.map(fieldOf),
    };
    const decision = decide(store.find(asked.key), asked, rules, nowMs);
    return told(asked, decision, "chosen" in decision ? decision.chosen.entry.fields : undefined);
  });
}

function listed(stored: StoredResponse, rules: CacheRules, nowMs: number): Explained {
  const { age, lifetime } = assess(stored, rules, nowMs);
  const fresh = lifetime.seconds > age;
  const reasons: Reason[] = [
    reason(
      lifetime.spec,
      `age ${Math.floor(age)} s, lifetime ${Math.floor(lifetime.seconds)} s (${lifetime.from})`,
    ),
  ];
  for (const [name, value] of stored.selecting) {
    reasons.push(reason("RFC 9111 4.1", `selected by ${name}: ${value ?? "(absent)"}`));
  }
  if (stored.invalid) reasons.push(reason("RFC 9111 4.4", "invalidated since"));
  return {
    method: "GET",
    uri: stored.key,
    statusCode: stored.statusCode,
    verdict: stored.invalid || !fresh ? "stale" : "fresh",
    reasons,
    stored: stored.fields,
  };
}

const VERDICTS: Readonly<Record<Decision["kind"], string>> = {
  use: "hit",
  "use-validate": "hit, validated behind",
  validate: "revalidation",
  fetch: "miss",
  refuse: "504",
};

function told(asked: Asked, decision: Decision, stored: Explained["stored"]): Explained {
  const { method, key } = asked;
  return { method, uri: key, verdict: VERDICTS[decision.kind], reasons: decision.reasons, stored };
}

function keyOfUrl(url: string): string {
  const uri = parseUri(/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url) ? url : `http://${url}`);
  const origin = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || origin === undefined) {
    throw new CommandError(`${url}: not an http or https URL`);
  }
  return keyOf(origin, targetOf(uri));
}

function requestOf(path: string): Asked {
  const head = headOf(path, "request");
  const host = field(head.fields(), "host") ?? "localhost";
  const { target, method } = head;
  const key = keyOfUrl(target.startsWith("/") ? `http://${host}${target}` : target);
  return { method, key, fields: [...head.fields()] };
}

function responseOf(path: string): ResponseHead {
  const head = headOf(path, "response");
  return {
    statusCode: head.statusCode,
    reasonPhrase: head.reasonPhrase,
    fields: [...head.fields()],
  };
}

/** The head in a file, with whatever line ends; what follows the empty line is passed over. */
function headOf(path: string, kind: "request" | "response"): Head {
  let text: string;
  try {
    text = readFileSync(path === "-" ? 0 : path, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be read (${code})`, EXIT.input);
  }
  const lines = text.split(/\r?\n/);
  const empty = lines.indexOf("");
  const bytes = latin1Bytes(
    `${lines.slice(0, empty < 0 ? lines.length : empty).join("\r\n")}\r\n\r\n`,
  );
  let found: Head | undefined;
  const parser = new HttpParser(
    kind,
    {
      begin: () => {},
      requestMethod: () => "HEAD",
      answersSimpleRequest: () => false,
      head: (head) => {
        found = head;
      },
      body: () => {},
      chunk: () => {},
      trailers: () => {},
      issue: () => {},
      end: () => {},
    },
    true,
  );
  try {
    parser.push(bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new CommandError(`${path}: ${error.message} (${error.spec})`, EXIT.input);
  }
  if (found === undefined) throw new CommandError(`${path}: no head of a ${kind}`, EXIT.input);
  return found;
}
