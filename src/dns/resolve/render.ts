/** Answers for people: as dig prints them, without what nobody reads. */
import type { ChalkInstance } from "chalk";
import type { DnsMessage, ResourceRecord } from "../../codecs/dns/index.ts";
import { className, formatRdata, RCODE, typeName } from "../../codecs/dns/index.ts";
import { OPTION } from "../../engines/dns/client/query.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import type { Outcome } from "./outcome.ts";

/** One answer in full. */
export function renderOutcome(outcome: Outcome, paint: ChalkInstance): string {
  const { asked } = outcome;
  const title = `${asked.name} ${typeName(asked.type)}`;
  if (outcome.from === "hosts") {
    const { data } = outcome;
    const none = data.length === 0 ? ", which has the name without one" : "";
    const lines = data.map((one) => `${asked.name}\t${one}\n`);
    return `${paint.dim(`; ${title}: from the hosts file${none}`)}\n${lines.join("")}`;
  }
  if (outcome.from === "nobody")
    return `${paint.red(`; ${title}: no answer`)}\n${outcome.failures.map((f) => `;   ${f}\n`).join("")}`;
  const { response } = outcome;
  const parts = [
    heading(title, outcome, paint),
    ...outcome.failures.map((failure) => paint.yellow(`;   before: ${failure}`)),
    ...ednsLines(response, paint),
    ...section("answer", response.answers, paint),
    ...section("authority", response.authority, paint),
    ...section("additional", response.additional, paint),
  ];
  return `${parts.join("\n")}\n`;
}

const WALKERS: Readonly<Record<string, string>> = {
  hybrid: "which walks",
  recursive: "which asks on",
};

function heading(
  title: string,
  answer: Extract<Outcome, { from: "server" }>,
  paint: ChalkInstance,
): string {
  const { response, server, transport, mode, rtt, bytes, sent, security, why } = answer;
  const rcode = rcodeName(response.rcode);
  const flags = (["aa", "tc", "rd", "ra", "ad", "cd"] as const).filter((flag) => response[flag]);
  const color = response.rcode === RCODE.NOERROR ? paint.green : paint.red;
  const took = `${(rtt / MILLISECOND).toFixed(1)} ms`;
  const state = security === undefined ? "" : ` ${security.toUpperCase()}`;
  const reason = why === undefined ? "" : ` (${why})`;
  const walker = WALKERS[mode ?? ""];
  const who = `${server ?? "a walk of our own"}${walker === undefined ? "" : `, ${walker}`}`;
  const parts = [
    ...(transport === undefined
      ? [`${sent} ${sent === 1 ? "question" : "questions"}`]
      : [transport, `${bytes} B`]),
    took,
  ];
  const how = paint.dim(`from ${who} (${parts.join(", ")}; ${flags.join(" ")})`);
  return `; ${paint.bold(title)} ${color(rcode)}${state}${reason} ${how}`;
}

function ednsLines({ edns }: DnsMessage, paint: ChalkInstance): string[] {
  return (edns?.options ?? []).map(({ code, data }) => paint.dim(`; ${optionText(code, data)}`));
}

/** Option data in hex, as far as it has a meaning that people read. */
function optionText(code: number, data: string): string {
  const octets = Buffer.from(data, "hex");
  const printable = (from: number) =>
    octets.subarray(from).toString("utf8").replace(/\p{C}/gu, ".");
  switch (code) {
    case OPTION.NSID:
      return `nsid ${printable(0)} (${data})`;
    case OPTION.CLIENT_SUBNET:
      return octets.length < 4
        ? `client subnet ${data}`
        : `client subnet ${data.slice(8)}/${octets[2]}, answer holds for /${octets[3]}`;
    case OPTION.COOKIE:
      return `cookie ${data}`;
    case OPTION.PADDING:
      return `padding of ${octets.length} octets`;
    case OPTION.EDE:
      return octets.length < 2
        ? `extended error ${data}`
        : `extended error ${octets.readUInt16BE(0)} ${printable(2)}`;
    default:
      return `option ${code} ${data}`;
  }
}

function section(name: string, records: readonly ResourceRecord[], paint: ChalkInstance): string[] {
  if (records.length === 0) return [];
  const rows = records.map((record) => [
    record.name,
    String(record.ttl),
    className(record.class),
    typeName(record.type),
    formatRdata(record.type, record.rdata),
  ]);
  const widths = [0, 1, 2, 3].map((i) =>
    Math.min(48, Math.max(...rows.map((row) => (row[i] as string).length))),
  );
  const lines = rows.map((row) =>
    row.map((cell, i) => (i < 4 ? cell.padEnd(widths[i] as number) : cell)).join(" "),
  );
  return name === "answer"
    ? lines
    : [paint.dim(`; ${name}`), ...lines.map((line) => paint.dim(line))];
}

/** Only what was asked for, a line each. */
export function renderShort(outcome: Outcome): string {
  if (outcome.from === "hosts") return outcome.data.map((one) => `${one}\n`).join("");
  if (outcome.from === "nobody") return "";
  return outcome.response.answers
    .map((record) => `${formatRdata(record.type, record.rdata)}\n`)
    .join("");
}
