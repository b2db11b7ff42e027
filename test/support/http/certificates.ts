/** Certificates for localhost, made by openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

const CONFIG = `[ca]
default_ca=d
[d]
database=index.txt
serial=serial
new_certs_dir=.
default_md=sha256
policy=p
x509_extensions=e
[p]
commonName=supplied
[e]
subjectAltName=DNS:localhost
`;

/** Signed by itself, valid from 2020 up to a year (`expired`), or for long. */
export function certificate(folder: string, name: string, expired = false): Certificate {
  const run = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const [keyPath, certPath, request] = ["key.pem", "cert.pem", "csr"].map((kind) =>
    join(folder, `${name}.${kind}`),
  ) as [string, string, string];
  writeFileSync(join(folder, "ca.cnf"), CONFIG);
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(join(folder, "serial"), "01\n");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  run("req", "-new", ...curve, "-keyout", keyPath, "-out", request, "-subj", "/CN=localhost");
  const until = expired ? "20210101000000Z" : "20490101000000Z";
  run(
    "ca",
    "-batch",
    "-selfsign",
    "-config",
    "ca.cnf",
    "-keyfile",
    keyPath,
    "-in",
    request,
    "-out",
    certPath,
    "-notext",
    "-startdate",
    "20200101000000Z",
    "-enddate",
    until,
  );
  return {
    certPath,
    keyPath,
    cert: readFileSync(certPath, "utf8"),
    key: readFileSync(keyPath, "utf8"),
  };
}
