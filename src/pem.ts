/** Certificates and keys that flags name: what is of no use is told before anything is sent. */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { CommandError, EXIT } from "./failure.ts";
import { readFileOrInput } from "./standard-input.ts";

const text = (path: string) => Buffer.from(readFileOrInput(path)).toString("latin1");

/** Whom to trust. Node would pass over a file without certificates, and trust the system's. @throws CommandError */
export function authorities(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const pem = text(path);
  try {
    new X509Certificate(pem);
  } catch {
    throw new CommandError(`${path}: holds no certificate in PEM`, EXIT.input);
  }
  return pem;
}

/** A certificate with its key. @throws CommandError when they are none, or not of each other */
export function keyPair(certPath: string, keyPath: string): { cert: string; key: string } {
  const cert = authorities(certPath) as string;
  const key = text(keyPath);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH"
        ? `not the key of ${certPath}`
        : `holds no key in PEM that can be used (${message})`;
    throw new CommandError(`${keyPath}: ${why}`, EXIT.input);
  }
  return { cert, key };
}
