/** What senders did wrong, without what the capture does not hold. */
import type { Issue } from "../codecs/errors.ts";
import type { CaptureRecord } from "../engines/capture/record.ts";

/** A gap of the capture, a packet cut by its snap length, an end that came with the capture's. */
const OF_THE_CAPTURE = /\.(?:gap|cut|truncated|short)$|\.unended$/;

export function deviations({ issues = [] }: CaptureRecord): Issue[] {
  return issues.filter(({ code }) => !OF_THE_CAPTURE.test(code));
}
