/** Answers beside each other: of the three modes, and of several servers. */
import type { ChalkInstance } from "chalk";
import { formatRdata, typeName } from "../../codecs/dns/index.ts";
import type { ModeAnswer } from "../../engines/dns/lab/resolve-modes.ts";
import { MODES } from "../../engines/dns/lab/resolve-modes.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import type { ModeFlags } from "./modes.ts";
import { modalClient } from "./modes.ts";
import type { Outcome } from "./outcome.ts";
import type { ResolveSettings } from "./run.ts";
import { resolveAll } from "./run.ts";

interface ModeRow {
  readonly mode: string;
  readonly cache: string;
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly answers: number;
  readonly ms: number;
  readonly sent: number;
}

const HEAD: ModeRow | Record<string, string> = {
  mode: "mode",
  cache: "cache",
  name: "name",
  type: "type",
  rcode: "rcode",
  answers: "answers",
  ms: "ms",
  sent: "sent by us",
};

/** Each question cold and warm in each mode. What servers do among themselves is seen in `dns lab --simulated`. */
export async function compareModes(
  settings: ResolveSettings,
  flags: ModeFlags & { readonly json: boolean },
  paint: ChalkInstance,
): Promise<number> {
  const host = new LiveHost();
  const rows: ModeRow[] = [];
  try {
    for (const mode of MODES) {
      const client = await modalClient(
        settings,
        { ...flags, mode: "compare", validate: false },
        host,
      );
      for (const cache of ["cold", "warm"]) {
        for (const { name: word, type } of settings.questions) {
          const name = word.endsWith(".") ? word : `${word}.`;
          const answer = await new Promise<ModeAnswer>((done) =>
            client.resolve(mode, name, type, done),
          );
          rows.push({
            mode,
            cache,
            name,
            type: typeName(type),
            rcode: answer.response === undefined ? "none" : rcodeName(answer.response.rcode),
            answers: answer.response?.answers.length ?? 0,
            ms: Number((answer.took / MILLISECOND).toFixed(2)),
            sent: answer.sent,
          });
        }
      }
      client.close();
    }
  } finally {
    host.stop();
  }
  if (flags.json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
  else process.stdout.write(table(rows, paint));
  return rows.every((row) => row.rcode === "none") ? EXIT.network : EXIT.done;
}

function table(rows: readonly ModeRow[], paint: ChalkInstance): string {
  const all = [HEAD, ...rows].map((row) => Object.values(row).map(String));
  const widths =
    all[0]?.map((_, i) => Math.max(...all.map((line) => (line[i] as string).length))) ?? [];
  return all
    .map((line, n) => {
      const cells = line.map((cell, i) =>
        i < 5 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
      );
      const text = cells.join("  ");
      return `${n === 0 ? paint.bold(text) : text}\n`;
    })
    .join("");
}

/** What an answer says, without order and TTL; null: none came. */
function contents(outcome: Outcome): string | null {
  if (outcome.from !== "server") return null;
  const { rcode, answers } = outcome.response;
  const data = answers.map(
    (r) => `${r.name.toLowerCase()} ${typeName(r.type)} ${formatRdata(r.type, r.rdata)}`,
  );
  return `${rcodeName(rcode)} ${data.sort().join(", ")}`.trim();
}

/** Exit code 1 when servers say different things. */
export async function compareServers(
  settings: ResolveSettings,
  flags: ModeFlags & { readonly json: boolean },
  paint: ChalkInstance,
): Promise<number> {
  if (settings.servers.length < 2)
    throw new CommandError("--compare-servers needs at least two @servers");
  const byServer = await Promise.all(
    settings.servers.map((server) =>
      resolveAll(
        { ...settings, servers: [server] },
        { ...flags, mode: "stub", validate: false },
        { outcome: () => {} },
      ),
    ),
  );
  const labels = settings.servers.map(
    (server) => server.host + (server.transport === "https" ? "" : `#${server.port}`),
  );
  let differ = false;
  let silent = false;
  const results = settings.questions.map(({ name, type }, i) => {
    const answers = byServer.map((outcomes, s) => ({
      server: labels[s] as string,
      answer: contents(outcomes[i] as Outcome),
    }));
    const answered = answers.some(({ answer }) => answer !== null);
    const same = answered && new Set(answers.map(({ answer }) => answer)).size === 1;
    differ ||= answered && !same;
    silent ||= !answered;
    return { name, type: typeName(type), same, answered, answers };
  });
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ same: !differ && !silent, results })}\n`);
  else
    for (const { name, type, same, answered, answers } of results) {
      const different = paint.red(answered ? "DIFFERENT" : "NO ANSWER");
      const verdict = same ? paint.green("same") : different;
      const lines = same ? answers.slice(0, 1) : answers;
      const where = (server: string) => (same ? "" : `${server}: `);
      process.stdout.write(
        `; ${paint.bold(`${name} ${type}`)} ${verdict}\n${lines.map(({ server, answer }) => `  ${where(server)}${answer ?? "no answer"}\n`).join("")}`,
      );
    }
  if (silent) return EXIT.network;
  return differ ? EXIT.negative : EXIT.done;
}
