/** Listening, as `netkit dns serve` tells of it, and the signals that end it. */
import type { DnsService, ListenAddress, Listening } from "../../engines/dns/listener.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { LiveHost } from "../../net/live/host.ts";

export function say(line: string): void {
  process.stderr.write(`netkit: ${line}\n`);
}

/** What cannot be loaded is told, and what was there goes on. */
export function orKeep(kept: string, load: () => void): void {
  try {
    load();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    say(`${error.message}; ${kept}`);
  }
}

export interface Listened {
  readonly listener: DnsListener;
  readonly at: readonly Listening[];
}

/** Rejects with a CommandError when one address cannot be had. */
export function listen(
  host: LiveHost,
  service: DnsService,
  addresses: readonly ListenAddress[],
): Promise<Listened> {
  return new Promise((resolve, reject) => {
    const listener: DnsListener = new DnsListener(service, {
      listen: addresses,
      onListening: (at) => resolve({ listener, at }),
      onListenError: (error) =>
        reject(new CommandError(`cannot listen: ${error.message}`, EXIT.network)),
    });
    listener.start(host);
  });
}

export function announce(listening: readonly Listening[], json: boolean): void {
  const places = listening.map(
    ({ addr, port, transports }) =>
      `${addr.includes(":") ? `[${addr}]` : addr}:${port} (${transports.join(", ")})`,
  );
  say(`listening on ${places.join(", ")}`);
  if (json) process.stdout.write(`${JSON.stringify({ listening })}\n`);
}

export function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}
