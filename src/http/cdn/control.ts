/** `http cdn push|purge|stats`: asks a running CDN at its --admin. */
import { ClientConnection } from "../../engines/http/client-connection.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { listenAddress } from "../listen.ts";

/** The JSON that it answered. @throws CommandError */
export async function control(admin: string, method: string, target: string): Promise<object> {
  const { addr, port } = listenAddress(admin);
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
            const body = JSON.parse(text) as { error?: string };
            if (statusCode === 200) resolve(body);
            else reject(new CommandError(`${admin}: ${body.error ?? statusCode}`, EXIT.negative));
          },
          cut: (why) => reject(new CommandError(`${admin}: ${why.message}`, EXIT.network)),
        },
      );
    });
  } finally {
    host.stop();
  }
}
