import { describe, expect, it } from "vitest";
import { readZone, writeZone } from "../../../src/codecs/dns/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";

const read = (text: string, origin = "z.") =>
  writeZone(readZone(text, { origin, ttl: 60 }))
    .trimEnd()
    .replaceAll("\t", " ")
    .split("\n");

describe("$GENERATE of BIND", () => {
  it.each<[string, string[]]>([
    [
      "1-3 h$ A 192.0.2.$",
      ["h1.z. 60 IN A 192.0.2.1", "h2.z. 60 IN A 192.0.2.2", "h3.z. 60 IN A 192.0.2.3"],
    ],
    [
      "0-9/4 $ 5 IN PTR h$.example.",
      ["0.z. 5 IN PTR h0.example.", "4.z. 5 IN PTR h4.example.", "8.z. 5 IN PTR h8.example."],
    ],
    [
      `9-10 h\${0,3} CNAME h\${-9,2,d}.other.`,
      ["h009.z. 60 IN CNAME h00.other.", "h010.z. 60 IN CNAME h01.other."],
    ],
    [`10-10 a\${0,4,x} A 192.0.2.\${16}`, ["a000a.z. 60 IN A 192.0.2.26"]],
    [`10-10 a\${0,0,X}o\${0,0,o} A 192.0.2.1`, ["aAo12.z. 60 IN A 192.0.2.1"]],
    [`18-18 \${0,7,n}.ip6.arpa. PTR h$`, ["2.1.0.0.ip6.arpa. 60 IN PTR h18.z."]],
    [`43981-43981 \${0,0,N}.ip6.arpa. PTR h`, ["D.C.B.A.ip6.arpa. 60 IN PTR h.z."]],
    ['1-2 m$ MX "$0 mail$"', ["m1.z. 60 IN MX 10 mail1.z.", "m2.z. 60 IN MX 20 mail2.z."]],
    ["1-1 $$a\\$b$ A 192.0.2.1", ["$a$b1.z. 60 IN A 192.0.2.1"]],
  ])("%s", (line, records) => {
    expect(read(`$GENERATE ${line}\n`)).toEqual(records);
  });

  it("the owner before stays, and errors have the place of the line", () => {
    expect(read("a A 192.0.2.1\n$GENERATE 1-1 b$ A 192.0.2.2\n  A 192.0.2.3\n")[2]).toBe(
      "a.z. 60 IN A 192.0.2.3",
    );
    const text = "a A 192.0.2.1\n$GENERATE 250-260 b$ A 192.0.2.$\n";
    const fail = () => [...readZone(text, { origin: "z.", ttl: 60 })];
    expect(fail).toThrow(/^line 2: address of A /);
  });

  it.each([
    ["5-4 a$ A 192.0.2.1", /5-4 is no START-STOP/],
    ["1-4/0 a$ A 192.0.2.1", /1-4\/0 is no START-STOP/],
    ["0-99999999 a$ A 192.0.2.1", /more than 16777216 records/],
    ["1-4 a$ A", /START-STOP\[\/STEP\] OWNER/],
    [`1-4 a\${-2} A 192.0.2.1`, /a\$\{-2\}: /],
    [`1-4 a\${0,3,q} A 192.0.2.1`, /is no \$\{OFFSET/],
    [`1-4 a\${0 A 192.0.2.1`, /is no \$\{OFFSET/],
    ['1-4 a$ MX ""', /there are no data/],
  ])("a slip is told: %s", (line, why) => {
    const fail = () => [...readZone(`$GENERATE ${line}\n`, { origin: "z.", ttl: 60 })];
    expect(fail).toThrow(DecodeError);
    expect(fail).toThrow(why);
  });
});
