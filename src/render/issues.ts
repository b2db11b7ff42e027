/** `decode --lint`: what a message breaks, below its line. */
import type { ChalkInstance } from "chalk";
import type { Issue } from "../codecs/errors.ts";
import { safe } from "./safe.ts";

/** RFC 9112 11.2: what two readers of one stream may read differently, and so hides a request. */
const SMUGGLING =
  /^http\.(?:framing|transfer-encoding|content-length|chunk|host|line|field\.(?:space|obs|no-colon|leading)|version\.absent)/;

export function renderIssues(issues: readonly Issue[], color: ChalkInstance): string {
  return issues
    .map(({ code, offset, spec, message }) => {
      const grave = SMUGGLING.test(code) ? color.red(" [may hide a request: RFC 9112 11.2]") : "";
      return `\n        ${color.yellow(code)} at byte ${offset}: ${safe(message)} (${spec})${grave}`;
    })
    .join("");
}
