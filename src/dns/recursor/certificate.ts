/** Certificates and keys from files, looked at before anything listens or is asked. */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { TlsServer } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { readText } from "./read-text.ts";

function refused(what: string, why: string): CommandError {
  return new CommandError(`${what}: ${why}`, EXIT.input);
}

/** Certificates that are trusted. Node would pass over a file that has none, and trust the system's. @throws CommandError */
export function readAuthorities(path: string): string {
  const text = readText(path, "certificates");
  try {
    new X509Certificate(text);
  } catch {
    throw refused(`certificates ${path}`, "there is no certificate in PEM");
  }
  return text;
}

/** What a server shows of itself. @throws CommandError */
export function readServerCertificate(certPath: string, keyPath: string): TlsServer {
  const cert = readText(certPath, "certificate");
  const key = readText(keyPath, "key");
  const check = (what: string, options: Partial<TlsServer>) => {
    try {
      createSecureContext(options);
    } catch (error) {
      throw refused(what, (error as Error).message);
    }
  };
  check(`certificate ${certPath}`, { cert });
  check(`key ${keyPath}`, { key });
  check(`key ${keyPath} for certificate ${certPath}`, { cert, key });
  return { cert, key };
}
