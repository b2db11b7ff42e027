import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { listenAddresses } from "../../../src/dns/recursor/options.ts";
import { eachAddress } from "../../../src/net/live/addresses.ts";

describe("wildcard addresses", () => {
  it("RFC 2181 4.1: each address has a socket of its own, so that answers come from where the question went", () => {
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const four = own.filter(({ family }) => family === "IPv4").map(({ address }) => address);
    expect(four).toContain("127.0.0.1");
    expect(eachAddress("0.0.0.0")).toEqual(four);
    expect(eachAddress("192.0.2.7")).toEqual(["192.0.2.7"]);
    const listen = (text: string) =>
      listenAddresses({ listen: [text], "listen-tls": [], "listen-https": [] }).plain;
    expect(listen("0.0.0.0:5300")).toEqual(four.map((addr) => ({ addr, port: 5300 })));
    expect(listen("0.0.0.0:0")).toEqual([{ addr: "0.0.0.0", port: 0 }]);
  });
});
