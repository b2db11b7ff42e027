/** `http cdn push|purge|stats`: asks a running CDN at its --admin. */
import { ClientConnection } from "../../engines/http/client-connection.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { listenAddress } from "../listen.ts";

/** Undefined for what a CDN's administration does not say. */
function objectOf(text: string): { error?: string } | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined; // Something else listens there.
  }
}

/** Whether every edge has what it was told to fetch. */
export function isPushed(told: { pushed?: readonly { statusCode?: number }[] }): boolean {
  return told.pushed?.every(({ statusCode = 0 }) => statusCode >= 200 && statusCode < 400) === true;
}

/** The JSON that it answered. @throws CommandError */
export async function control(admin: string, method: string, target: string): Promise<object> {
  const { addr, port } = listenAddress(admin, "--admin");
  const host = new LiveHost();
  try {
    return await new Promise((resolve, reject) => {
      let text = "";
      let statusCode = 0;
      const connection = new ClientConnection(host, { remote: { addr, port } });
      connection.send(
        { method, target, fields: [{ name: "Host", value: admin }] },
        {
          head: (head) => {
            ({ statusCode } = head);
          },
          data: (bytes) => {
            text += Buffer.from(bytes).toString("utf8");
          },
          end: () => {
            connection.close();
            const body = objectOf(text);
            if (statusCode === 200 && body !== undefined) resolve(body);
            else if (body?.error !== undefined) {
              reject(new CommandError(`${admin}: ${body.error}`, EXIT.negative));
            } else reject(new CommandError(`${admin}: no CDN answers there`, EXIT.input));
          },
          cut: (why) => reject(new CommandError(`${admin}: ${why.message}`, EXIT.network)),
        },
      );
    });
  } finally {
    host.stop();
  }
}
