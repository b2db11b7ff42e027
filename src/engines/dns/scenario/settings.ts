/** Settings of a scenario as options of our resolver. */
import type { ResourceRecord } from "../../../codecs/dns/index.ts";
import { readZone, TYPE } from "../../../codecs/dns/index.ts";
import { hex } from "../../../codecs/reader.ts";
import { utf8Bytes } from "../../../codecs/writer.ts";
import type { AuthZone } from "../auth-zones.ts";
import type { ResolverOptions, ServerAddress, ZoneServers } from "../resolver/options.ts";
import { WORK_LIMITS } from "../resolver/options.ts";
import type { Scenario, Setting } from "./parse.ts";

const PORT = 53;

export interface Access {
  readonly prefix: string;
  readonly action: string;
}

export interface ScenarioOptions {
  readonly resolver: Partial<ResolverOptions>;
  readonly access: readonly Access[];
  /** Deckard's dialect: ranges go by the step that asked, and what goes out is not checked. */
  readonly deckard: boolean;
  readonly authZones: readonly AuthZone[];
  /** Settings for which we have nothing and that change what is expected. */
  readonly unsupported: readonly string[];
}

const yes = (value: string | undefined) => value === "yes" || value === "on" || value === "true";

/** `YYYYMMDDHHMMSS`, seconds since 1970; `-1` and `0` leave the clock alone. */
function time(value: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(value);
  if (found === null) return /^[1-9]\d*$/.test(value) ? Number(value) : undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar. */
function days(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  return (
    365 * y +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    Math.floor((153 * m + 2) / 5) +
    day -
    719_469
  );
}

function clauses(settings: readonly Setting[], name: string): Setting[][] {
  const groups = new Map<number, Setting[]>();
  for (const setting of settings) {
    if (setting.clause !== name) continue;
    const group = groups.get(setting.index) ?? [];
    group.push(setting);
    groups.set(setting.index, group);
  }
  return [...groups.values()];
}

function serverOf(value: string): ServerAddress {
  const [addr, port] = value.split("#")[0]?.split("@") ?? [];
  return { addr: addr ?? value, port: port === undefined ? PORT : Number(port) };
}

function authZone(group: readonly Setting[], unsupported: string[]): AuthZone {
  const all = (...keys: string[]) =>
    group.filter((one) => keys.includes(one.key)).map(({ value }) => value);
  const on = (key: string, otherwise: boolean) => {
    const value = all(key).at(-1);
    return value === undefined ? otherwise : yes(value);
  };
  const name = all("name")[0] ?? ".";
  if (all("url").length > 0) unsupported.push("auth-zone from a url");
  if (on("zonemd-check", false)) unsupported.push("zonemd-check");
  const primaries = all("master", "primary").map(serverOf);
  return {
    zone: name.endsWith(".") ? name : `${name}.`,
    primaries,
    file: all("zonefile")[0],
    // As unbound does: the file is asked for again at its REFRESH.
    trustFile: true,
    downstream: on("for-downstream", true),
    upstream: on("for-upstream", true),
    fallback: on("fallback-enabled", false),
    allowNotify: all("allow-notify"),
  };
}

function zoneServers(group: readonly Setting[], kind: "stub" | "forward"): ZoneServers {
  const all = (key: string) => group.filter((one) => one.key === key).map(({ value }) => value);
  const name = all("name")[0] ?? ".";
  return {
    zone: name.endsWith(".") ? name : `${name}.`,
    addresses: all(`${kind}-addr`).map(serverOf),
    names: all(`${kind}-host`).map((host) => (host.endsWith(".") ? host : `${host}.`)),
    // Servers of the root are its hints, and are always primed.
    prime: yes(all("stub-prime")[0]) || (kind === "stub" && name === "."),
    first: yes(all(`${kind}-first`)[0]),
    noCache: yes(all(`${kind}-no-cache`)[0]),
  };
}

export function optionsOf(scenario: Scenario): ScenarioOptions {
  const { settings } = scenario;
  const all = (key: string) => settings.filter((one) => one.key === key).map(({ value }) => value);
  const last = (key: string) => all(key).at(-1);
  const on = (key: string, otherwise: boolean) => {
    const value = last(key);
    return value === undefined ? otherwise : yes(value);
  };
  const number = (key: string, otherwise: number) => {
    const value = Number(last(key));
    return last(key) === undefined || Number.isNaN(value) ? otherwise : value;
  };
  const bare = (wanted: string) =>
    settings.filter(({ clause, key }) => clause === "" && key === wanted).map(({ value }) => value);
  const deckard = bare("stub-addr").length > 0 || bare("forward-addr").length > 0;
  const roots = bare("stub-addr");
  const forwarders = bare("forward-addr").map((addr) => ({ addr, port: PORT }));
  const modules = last("module-config") ?? "validator iterator";
  const override = last("val-override-timestamp") ?? last("val-override-date");
  const staleTtl = number("serve-expired-reply-ttl", 30);
  const unsupported: string[] = [];
  const authZones = clauses(settings, "auth-zone").map((group) => authZone(group, unsupported));
  const resolver: Partial<ResolverOptions> = {
    hints: roots.length === 0 ? [] : [{ name: "root.", addresses: roots }],
    hintPort: PORT,
    // Time-outs are steps here, and may be many.
    limits: { ...WORK_LIMITS, milliseconds: 3_600_000 },
    priming: deckard,
    stubs: clauses(settings, "stub-zone").map((group) => zoneServers(group, "stub")),
    forwards: [
      ...clauses(settings, "forward-zone").map((group) => zoneServers(group, "forward")),
      ...(forwarders.length === 0 ? [] : [{ zone: ".", addresses: forwarders }]),
    ],
    neverAsk: [
      ...all("do-not-query-address"),
      ...(on("do-not-query-localhost", !deckard) ? ["127.0.0.0/8", "::1"] : []),
    ],
    ipv4: on("do-ip4", true),
    ipv6: on("do-ip6", true),
    minimise: on(deckard ? "query-minimization" : "qname-minimisation", !deckard)
      ? on("qname-minimisation-strict", false)
        ? "strict"
        : "relaxed"
      : "off",
    minimiseType: deckard ? TYPE.NS : TYPE.A,
    hideType: !deckard,
    caseRandomisation: on("use-caps-for-id", false) || on("caps-for-id", false),
    validate: modules.includes("validator"),
    anchors: all("trust-anchor").flatMap(anchor),
    insecureZones: all("domain-insecure").map((name) => (name.endsWith(".") ? name : `${name}.`)),
    oldAlgorithms: true,
    validationTime: override === undefined ? undefined : time(override),
    allAlgorithms: on("harden-algo-downgrade", false),
    aggressiveNsec: on("aggressive-nsec", true),
    nxdomainCut: on("harden-below-nxdomain", true),
    minTtl: number("cache-min-ttl", 0),
    maxTtl: number("cache-max-ttl", 86_400),
    minNegativeTtl: number("cache-min-negative-ttl", 0),
    maxNegativeTtl: number("cache-max-negative-ttl", 3600),
    serveStale: on("serve-expired", false)
      ? {
          maxSeconds: number("serve-expired-ttl", 86_400) || Number.POSITIVE_INFINITY,
          answerTtl: staleTtl,
          clientTimeoutMs: number("serve-expired-client-timeout", 1800),
          ede: on("ede-serve-expired", false),
          resetOnFailure: on("serve-expired-ttl-reset", false),
        }
      : undefined,
    prefetch: on("prefetch", false),
    prefetchKeys: on("prefetch-key", false),
    subnet: modules.includes("subnet")
      ? {
          servers: all("send-client-subnet"),
          zones: all("client-subnet-zone"),
          maxIpv4: number("max-client-subnet-ipv4", 24),
          maxIpv6: number("max-client-subnet-ipv6", 56),
          always: on("client-subnet-always-forward", false),
        }
      : undefined,
    scrubAuthority: on("iter-scrub-promiscuous", true),
    maxNsRecords: number("iter-scrub-ns", 20),
    privateAddresses: all("private-address"),
    privateZones: all("private-domain").map((name) => (name.endsWith(".") ? name : `${name}.`)),
    verifyGlue: on("harden-unverified-glue", false),
    minimalResponses: on("minimal-responses", true),
    ede: on("ede", false),
    snoop: all("access-control").some((value) => value.includes("allow_snoop")),
    nsid: nsidOf(last("nsid")),
    rootKeySentinel: on("root-key-sentinel", true),
  };
  const access = all("access-control").map(accessOf);
  return { resolver, deckard, access, authZones, unsupported };
}

function accessOf(value: string): Access {
  const [prefix, action] = value.split(/\s+/);
  return { prefix: prefix ?? "", action: action ?? "allow" };
}

function nsidOf(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!value.startsWith("ascii_")) return value;
  const bytes = utf8Bytes(value.slice("ascii_".length));
  return hex(bytes, 0, bytes.length);
}

function anchor(text: string): ResourceRecord[] {
  return [...readZone(`${text}\n`, { origin: ".", ttl: 3600 })];
}
