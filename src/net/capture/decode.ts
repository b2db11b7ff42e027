/** Captures in, records out: readers, the analyser and one output wired together. */
import type { Issue } from "../../codecs/errors.ts";
import type { CapturedPacket } from "../../codecs/pcap/capture.ts";
import type { Totals } from "../../engines/capture/account.ts";
import type { AnalyserOptions, AnalyserOutput } from "../../engines/capture/analyser.ts";
import { Analyser } from "../../engines/capture/analyser.ts";
import { Mark, timeText } from "../../engines/capture/mark.ts";
import { readMerged } from "./merge.ts";
import type { ReadOptions } from "./read.ts";
import { readCapture } from "./read.ts";

export interface DecodeRun {
  readonly totals: Totals;
  /** What is wrong with the captures as files. */
  readonly issues: readonly { readonly file: string; readonly issue: Issue }[];
}

export interface DecodeCaptureOptions extends ReadOptions, AnalyserOptions {
  /** Called when the bytes that came so far are parsed. */
  readonly flush?: () => void;
  readonly onIssue?: (file: string, issue: Issue) => void;
  /** Told when the first packet was captured: decimal seconds since 1970. */
  readonly onFirstPacket?: (time: string) => void;
}

/** Issues of one file that are kept; a damaged file could give one per record. */
const MAX_FILE_ISSUES = 1000;

/** @throws CaptureError when a capture cannot be read. */
export async function decodeCaptures(
  paths: readonly string[],
  output: AnalyserOutput,
  options: DecodeCaptureOptions = {},
): Promise<DecodeRun> {
  const analyser = new Analyser(output, options);
  const issues: { file: string; issue: Issue }[] = [];
  const found = (file: string, issue: Issue) => {
    if (issues.length < MAX_FILE_ISSUES) {
      issues.push({ file, issue });
      options.onIssue?.(file, issue);
    }
  };
  let { onFirstPacket } = options;
  const first = ({ seconds, fraction, interface: { digits } }: CapturedPacket) => {
    const mark = Object.assign(new Mark(), { seconds, fraction, digits });
    onFirstPacket?.(timeText(mark));
    onFirstPacket = undefined;
  };
  const [only] = paths;
  if (paths.length === 1 && only !== undefined) {
    await readCapture(
      only,
      {
        packet: (packet) => {
          if (onFirstPacket !== undefined) first(packet);
          analyser.add(packet);
        },
        issue: (issue) => found(only, issue),
        flush: () => options.flush?.(),
      },
      options,
    );
  } else {
    await readMerged(
      paths,
      {
        packet: (packet, frame, file) => {
          if (onFirstPacket !== undefined) first(packet);
          analyser.addFrame(packet, frame, file);
        },
        issue: (issue, file) => found(file, issue),
      },
      options,
    );
  }
  analyser.end();
  return { totals: analyser.totals, issues };
}
