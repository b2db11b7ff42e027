import { describe, expect, it } from "vitest";
import { netrcFor, parseNetrc } from "../../../src/http/fetch/netrc.ts";

const FILE = `# who is who
machine a.test login ann password "p w\\"d" # not a comment's end
machine b.test
  login bob
  account x
  password #secret
macdef init
machine evil login no password no

default login anonymous password me@x
machine late.test login never password seen
`;

describe(".netrc", () => {
  it("entries over lines, quoted words, macros and comments as curl reads them", () => {
    expect(parseNetrc(FILE)).toEqual([
      { machine: "a.test", login: "ann", password: 'p w"d' },
      { machine: "b.test", login: "bob", password: "#secret" },
      { machine: undefined, login: "anonymous", password: "me@x" },
      { machine: "late.test", login: "never", password: "seen" },
    ]);
  });

  it("the first entry that fits counts, and default fits all", () => {
    const entries = parseNetrc(FILE);
    expect(netrcFor(entries, "B.test")?.login).toBe("bob");
    expect(netrcFor(entries, "late.test")?.login).toBe("anonymous");
    expect(netrcFor(parseNetrc("machine x login y"), "z")).toBeUndefined();
  });
});
