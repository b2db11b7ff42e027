/** What one answer says against a server, and how long that holds. */
import { describe, expect, it } from "vitest";
import { Infrastructure } from "../../../src/engines/dns/resolver/infra.ts";

const SERVER = { addr: "192.0.2.53", port: 53 };

describe("what is remembered of a server", () => {
  it("RFC 6891 7: a FORMERR does not turn EDNS off for a server that has sent an OPT record", () => {
    const infra = new Infrastructure();
    infra.speaksEdns(SERVER, 0);
    expect(infra.withoutEdns(SERVER, 1)).toBe(false);
    expect(infra.edns(SERVER, 1)).toBe(true);
  });

  it("RFC 6891 6.2.2: one that never has is asked without, and tried again after a minute", () => {
    const infra = new Infrastructure();
    expect(infra.withoutEdns(SERVER, 0)).toBe(true);
    expect([infra.edns(SERVER, 59), infra.edns(SERVER, 60)]).toEqual([false, true]);
  });

  it("RFC 9520 3.2: lame for a zone is no longer than a minute", () => {
    const infra = new Infrastructure();
    infra.markLame(SERVER, "z.", 0);
    expect([infra.isLame(SERVER, "z.", 59), infra.isLame(SERVER, "z.", 60)]).toEqual([true, false]);
    expect([infra.report(59)[0]?.lameFor, infra.report(60)[0]?.lameFor]).toEqual([["z."], []]);
  });
});
