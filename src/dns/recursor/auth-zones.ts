/** `--auth-zone` of `netkit dns recursor`: zones that it keeps itself. */
import { resolve } from "node:path";
import type { AuthZone } from "../../engines/dns/auth-zones.ts";
import type { Endpoint } from "../../engines/host.ts";
import { CommandError } from "../../failure.ts";
import { loadZone } from "../serve/load.ts";
import { serverAddress } from "./options.ts";

const PORT = 53;

/** `ADDRESS[:PORT]`, or a name. */
function primaryOf(text: string, flag: string): Endpoint {
  const named = /^([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*\.?)(?::(\d{1,5}))?$/i.exec(text);
  if (named === null) return serverAddress(text, PORT);
  const [, name = "", port = String(PORT)] = named;
  if (Number(port) > 65_535) throw new CommandError(`--auth-zone ${flag}: no port is ${port}`);
  return { addr: name.endsWith(".") ? name : `${name}.`, port: Number(port) };
}

/** `ZONE=FILE`, `ZONE=@PRIMARY[,PRIMARY...]`, `ZONE=FILE@PRIMARY[,...]`. @throws CommandError */
export function authZoneOf(text: string): AuthZone {
  const equals = text.indexOf("=");
  const source = text.slice(equals + 1);
  if (equals < 1 || source === "")
    throw new CommandError(
      `--auth-zone ${text} is no ZONE=FILE, ZONE=@PRIMARY or ZONE=FILE@PRIMARY`,
    );
  const zone = text.slice(0, equals).replace(/\.?$/, ".");
  const at = source.lastIndexOf("@");
  const file = at < 0 ? source : source.slice(0, at);
  const primaries =
    at < 0
      ? []
      : source
          .slice(at + 1)
          .split(",")
          .map((one) => primaryOf(one, text));
  const use = { zone, downstream: true, upstream: true, fallback: at >= 0, allowNotify: [] };
  if (at < 0)
    return { ...use, primaries, content: loadZone({ file: resolve(file), name: zone }).zone };
  return { ...use, primaries, file: file === "" ? undefined : resolve(file) };
}
