/** The facts of a capture file for people. */
import type { CaptureFacts, InterfaceFacts } from "../net/capture/facts.ts";
import { byteText } from "./account.ts";
import { safe } from "./safe.ts";

export function renderFacts(facts: CaptureFacts): string {
  const rows: [string, string][] = [
    ["file", facts.file],
    [
      "format",
      `${facts.format}, ${facts.detail}${facts.compression === undefined ? "" : `, ${facts.compression}`}`,
    ],
    ["packets", `${facts.packets}${facts.cutPackets > 0 ? ` (${facts.cutPackets} cut)` : ""}`],
    [
      "bytes",
      `${byteText(facts.bytes)}${facts.wireBytes === facts.bytes ? "" : ` of ${byteText(facts.wireBytes)} on the wire`}`,
    ],
  ];
  if (facts.first !== undefined)
    rows.push(["span", `${facts.first} to ${facts.last} (${facts.durationSeconds} s)`]);
  if (facts.untimed !== undefined)
    rows.push(["without time", `${facts.untimed} ${facts.untimed === 1 ? "packet" : "packets"}`]);
  if (facts.outOfOrder > 0)
    rows.push([
      "disorder",
      `${facts.outOfOrder} ${facts.outOfOrder === 1 ? "packet is" : "packets are"} earlier than the one before`,
    ]);
  for (const [i, found] of facts.interfaces.entries()) {
    rows.push([`interface ${i}`, interfaceText(found)]);
  }
  for (const key of ["application", "os", "hardware"] as const) {
    const value = facts[key];
    if (value !== undefined) rows.push([key, value]);
  }
  if (facts.names > 0) rows.push(["names", `${facts.names} name records`]);
  if (facts.secrets > 0) rows.push(["secrets", `${facts.secrets} decryption secrets blocks`]);
  for (const comment of facts.comments) rows.push(["comment", comment]);
  for (const issue of facts.issues)
    rows.push(["damaged", `${issue.message} (${issue.code} at byte ${issue.offset})`]);
  return rows.map(([name, value]) => `${name.padEnd(12)} ${safe(value)}`).join("\n");
}

function interfaceText(found: InterfaceFacts): string {
  const parts = [found.link, `${found.packets} ${found.packets === 1 ? "packet" : "packets"}`];
  if (found.name !== undefined) parts.unshift(found.name);
  if (found.snapLength > 0) parts.push(`snaplen ${found.snapLength}`);
  if (found.received !== undefined) parts.push(`${found.received} received`);
  if (found.dropped !== undefined) parts.push(`${found.dropped} dropped`);
  if (found.filter !== undefined) parts.push(`filter ${found.filter}`);
  return parts.join(", ");
}
