/** Behind `netkit dns update`: each batch of changes as one UPDATE, until one is refused. RFC 2136. */
import { CLASS, OPCODE, RCODE, TYPE } from "../../codecs/dns/index.ts";
import type { SignedResult } from "../../engines/dns/client/signed-exchange.ts";
import { exchangeSigned } from "../../engines/dns/client/signed-exchange.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import { readLinesOf } from "../../standard-input.ts";
import { serverOf } from "../resolve/arguments.ts";
import { addressOf } from "../resolve/servers.ts";
import { tsigKey } from "../resolve/transfer.ts";
import type { Changes } from "./script.ts";
import { readScript } from "./script.ts";

export interface UpdateFlags {
  readonly zone?: string | undefined;
  readonly file?: string | undefined;
  readonly add: readonly string[];
  readonly delete: readonly string[];
  readonly require: readonly string[];
  readonly tsig?: string | undefined;
  readonly timeout: number;
}

export interface Updated {
  readonly zone: string;
  readonly server: string;
  readonly rcode: string;
  readonly updates: number;
}

function linesOf(flags: UpdateFlags): string[] {
  const given = [
    ...flags.require.map((text) => `prereq ${text}`),
    ...flags.delete.map((text) => `update delete ${text}`),
    ...flags.add.map((text) => `update add ${text}`),
  ];
  if (given.length > 0 && flags.file === undefined) return given;
  return [...given, ...readLinesOf(flags.file ?? "-")];
}

/** @throws CommandError */
export async function update(server: string | undefined, flags: UpdateFlags): Promise<Updated[]> {
  const zone = flags.zone?.replace(/\.?$/, ".");
  const key = flags.tsig === undefined ? undefined : tsigKey(flags.tsig);
  const batches = readScript(linesOf(flags), zone);
  if (batches.length === 0) throw new CommandError("no change is given; see --help");
  const host = new LiveHost();
  const results: Updated[] = [];
  try {
    for (const batch of batches) {
      const done = await one(host, batch, server, key, flags.timeout);
      results.push(done);
      if (done.rcode !== "NOERROR") break;
    }
  } finally {
    host.stop();
  }
  if (results.some(({ rcode }) => rcode !== "NOERROR")) process.exitCode = EXIT.negative;
  return results;
}

async function one(
  host: LiveHost,
  batch: Changes,
  given: string | undefined,
  key: TsigKey | undefined,
  timeoutMs: number,
): Promise<Updated> {
  const { zone, prerequisites, updates } = batch;
  const name = batch.server ?? given?.replace(/^@/, "");
  if (zone === undefined) throw new CommandError("--zone is missing");
  if (name === undefined) throw new CommandError("the @server is missing");
  const server = await addressOf(serverOf(name));
  const message = {
    id: host.random.below(65_536),
    qr: 0 as const,
    opcode: OPCODE.UPDATE,
    rcode: RCODE.NOERROR,
    ...{ aa: false, tc: false, rd: false, ra: false, ad: false, cd: false },
    questions: [{ name: zone, type: TYPE.SOA, class: CLASS.IN }],
    answers: prerequisites,
    authority: updates,
    additional: [],
  };
  const result = await new Promise<SignedResult>((done) =>
    exchangeSigned(host, { server, message, key, timeout: timeoutMs * MILLISECOND }, done),
  );
  if (result.kind === "failed") {
    const code = result.cause === "network" ? EXIT.network : EXIT.input;
    throw new CommandError(`${server.addr}:${server.port}: ${result.why}`, code);
  }
  const { rcode } = result.message;
  return {
    zone,
    server: `${server.addr}#${server.port}`,
    rcode: rcodeName(rcode),
    updates: updates.length,
  };
}
