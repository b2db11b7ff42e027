/** nginx, squid, varnish and lighttpd in a folder of their own, on ports of loopback. */
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";

import { connect } from "node:net";
import { join } from "node:path";

export function have(tool: string, flag = "-v"): boolean {
  return spawnSync(tool, [flag], { timeout: 10_000, stdio: "ignore" }).error === undefined;
}

/** Resolves once the port takes connections. */
export async function ready(port: number, child: ChildProcess, name: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not listen`);
}

/** `servers`: the blocks of the http section. */
export async function nginx(folder: string, port: number, servers: string): Promise<ChildProcess> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; ${user} pid ${folder}/nginx.pid; error_log ${folder}/error.log; worker_processes 1;
events {}
http { ${paths} access_log off; types { text/html html; text/plain txt; } ${servers} }`,
  );
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: "ignore",
  });
  await ready(port, child, "nginx");
  return child;
}

/** A forward proxy; `rules`: lines of its configuration before all is allowed. */
export async function squid(folder: string, port: number, rules = ""): Promise<ChildProcess> {
  chmodSync(folder, 0o777);
  writeFileSync(
    join(folder, "squid.conf"),
    `http_port 127.0.0.1:${port}
pid_filename ${folder}/squid.pid
cache_log ${folder}/cache.log
access_log none
coredump_dir ${folder}
shutdown_lifetime 1 seconds
pinger_enable off
netdb_filename none
cache deny all
${rules}
http_access allow all
`,
  );
  const child = spawn("squid", ["-N", "-f", join(folder, "squid.conf")], { stdio: "ignore" });
  await ready(port, child, "squid");
  return child;
}

/** In front of the origin at `originPort`, with the rules that are built in. */
export async function varnish(
  folder: string,
  port: number,
  originPort: number,
): Promise<ChildProcess> {
  const child = spawn(
    "varnishd",
    [
      ...["-F", "-j", "none", "-n", join(folder, "state"), "-s", "malloc,64m"],
      ...["-a", `127.0.0.1:${port}`, "-b", `127.0.0.1:${originPort}`],
    ],
    { stdio: "ignore" },
  );
  await ready(port, child, "varnishd");
  return child;
}

/** Files behind Digest, for the user `u` with the password `p w:x`. */
export async function lighttpd(
  folder: string,
  port: number,
  algorithm: string,
): Promise<ChildProcess> {
  writeFileSync(join(folder, "users"), "u:p w:x\n");
  writeFileSync(
    join(folder, "lighttpd.conf"),
    `server.document-root = "${folder}"
server.port = ${port}
server.bind = "127.0.0.1"
server.errorlog = "${folder}/error.log"
server.modules = ("mod_auth", "mod_authn_file")
auth.backend = "plain"
auth.backend.plain.userfile = "${folder}/users"
auth.require = ("/" => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "${algorithm}"))
`,
  );
  const conf = join(folder, "lighttpd.conf");
  const child = spawn("lighttpd", ["-D", "-f", conf], { stdio: "ignore" });
  await ready(port, child, "lighttpd");
  return child;
}

export function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
