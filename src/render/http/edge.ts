/** What an edge of a CDN has done, as lines: the cache, then each function that had something to do. */
import type { EdgeStats } from "../../engines/http/cdn/edge.ts";

export function renderEdge(stats: EdgeStats): string[] {
  const { edge, requests, hits, misses, revalidated, bytes, functions } = stats;
  const lines = [
    `${requests} requests: ${hits} hits, ${misses} misses, ${revalidated} revalidated; ${bytes} octets sent`,
  ];
  const { limited, signed, refused, esi, marked, coding } = functions;
  if (limited > 0) lines.push(`limits: ${limited} requests refused`);
  const faults = Object.entries(refused).map(([why, count]) => `${count} ${why}`);
  if (signed > 0 || faults.length > 0) {
    lines.push(`signatures: ${[`${signed} good`, ...faults].join(", ")}`);
  }
  if (esi.pages > 0 || esi.failed > 0) {
    lines.push(`ESI: ${esi.pages} pages with ${esi.fragments} fragments, ${esi.failed} failed`);
  }
  if (marked > 0) lines.push(`watermark: ${marked} pages`);
  if (coding.coded > 0) {
    const { coded, kept, from, to } = coding;
    lines.push(`codings: ${coded} responses, ${kept} of them kept, ${from} octets to ${to}`);
  }
  return lines.map((line) => `edge ${edge}: ${line}`);
}
