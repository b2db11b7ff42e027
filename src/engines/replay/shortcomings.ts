/** What a capture does not tell, in the order in which it matters. */
import type { LinkView } from "./link.ts";
import { jumpsOf } from "./loss.ts";
import type { Observer } from "./observer.ts";
import type { WorkloadNote, WorkloadPage } from "./workload.ts";

/** Longer packets than any link carries were put together by the host that captured. */
const LONGEST_PACKET = 9100;

export function shortcomings(
  observer: Observer,
  view: LinkView,
  pages: readonly WorkloadPage[],
): WorkloadNote[] {
  const notes: WorkloadNote[] = [];
  const note = (code: string, message: string): void => {
    notes.push({ code, message });
  };
  const { connections } = observer;
  const count = (what: (c: (typeof connections)[number]) => boolean) =>
    connections.filter(what).length;
  const http = count(({ carried }) => carried === "http");
  const tls = count(({ carried }) => carried === "tls");
  if (observer.packets === 0) note("capture.empty", "the capture has no packets");
  else if (connections.length === 0) note("tcp.none", "the capture has no TCP");
  else if (http + tls === 0) {
    note("http.none", `none of ${connections.length} TCP connections carries HTTP/1.x or TLS`);
  }
  const requests = connections.reduce((sum, { http: h }) => sum + h.exchanges.length, 0);
  const unanswered = connections.reduce(
    (sum, { http: h }) => sum + h.exchanges.filter((exchange) => !exchange.answered).length,
    0,
  );
  const orphans = connections.reduce((sum, { http: h }) => sum + h.orphans, 0);
  const oneWay = count(({ up, down }) => (up.count === 0) !== (down.count === 0));
  if (connections.length > 0 && oneWay === connections.length) {
    note(
      "capture.one-way",
      "only one direction was captured: neither round trip nor times of objects can be told",
    );
  } else if (oneWay > 0) {
    note("capture.one-way", `${oneWay} connections were captured in one direction only`);
  }
  if (requests > 0 && unanswered > 0) {
    note("http.unanswered", `${unanswered} of ${requests} requests have no response: left out`);
  }
  if (orphans > 0) {
    note("http.orphans", `${orphans} responses answer no captured request: left out`);
  }
  const objects = pages.flatMap((page) => page.objects);
  const cut = objects.filter((object) => object.cut && !object.opaque).length;
  if (cut > 0) {
    note(
      "http.cut",
      `${cut} bodies are not whole: octets that the capture lacks are counted, not read`,
    );
  }
  if (tls > 0) {
    note(
      "tls.opaque",
      `${tls} connections speak TLS: sizes and times of records are told, names and what may be cached are not`,
    );
  }
  const { link, vantage } = view;
  if (pages.length > 0) {
    if (link.rttMs === null) note("link.rtt", "the round trip is not known: give one to compare");
    if (link.rateMbps === null) {
      note("link.rate", "no long packets came close behind one another: the rate is not known");
    } else if (link.confidence.rateMbps.certainty === "low") {
      note("link.rate", "few packets queued: the rate of the bottleneck is a guess");
    }
  }
  if (vantage === "server" || vantage === "between") {
    note(
      "capture.vantage",
      `packets were taken ${vantage === "server" ? "at the server" : "between client and server"}: times of objects are those there, not the client's`,
    );
  }
  const jump = connections
    .flatMap(({ down, server }) => jumpsOf(down, view.tickOf.get(server) ?? Number.NaN))
    .sort((a, b) => a.at - b.at)[0];
  if (jump !== undefined) {
    note(
      "clock.jump",
      `the capture's clock jumps by ${jump.byMs.toFixed(0)} ms at ${(jump.at / 1000).toFixed(3)} s, as the server's timestamps tell: times across it are wrong`,
    );
  }
  const midStream = count(
    ({ handshake, up, down }) => handshake === undefined && up.count + down.count > 0,
  );
  if (midStream > 0) {
    note("tcp.mid-stream", `${midStream} connections were open before the capture began`);
  }
  if (connections.some(({ down }) => down.ipBytes.some((bytes) => bytes > LONGEST_PACKET))) {
    note(
      "capture.offload",
      "packets were merged by the capturing host: their distances are coarse",
    );
  }
  const low = objects.filter(({ parents }) => parents.some(({ why }) => why === "timing")).length;
  if (low > 0) {
    note(
      "page.timing",
      `${low} objects are named by no page in the capture: taken to follow its first document`,
    );
  }
  return notes;
}
