/** One run of `netkit decode`: view, readers and account put together. Returns the exit code. */
import type { Issue } from "../codecs/errors.ts";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { CommandError, EXIT } from "../failure.ts";
import { decodeCaptures } from "../net/capture/decode.ts";
import { ByteOutput, ReaderGone } from "../net/capture/output.ts";
import { decodeParallel } from "../net/capture/parallel.ts";
import { palette } from "../render/color.ts";
import type { Separated } from "../render/columns.ts";
import { fieldsOf, headerLine, rowRenderer } from "../render/columns.ts";
import { renderIssues } from "../render/issues.ts";
import { renderLine } from "../render/line.ts";
import { Progress } from "../render/progress.ts";
import { safe } from "../render/safe.ts";
import type { TimeStyle } from "../render/time.ts";
import { TimeFormatter } from "../render/time.ts";
import { renderDetails } from "../render/tree.ts";
import type { Selection, View } from "../render/views.ts";
import { accountText, bulkJsonView, columnsView, jsonView, textView } from "../render/views.ts";
import { deviations } from "./lint.ts";
import type { DecodeFlags } from "./options.ts";
import { decodeAsOf, keepOf, refuseConflicts } from "./options.ts";

export async function runDecode(paths: readonly string[], flags: DecodeFlags): Promise<number> {
  if (paths.filter((path) => path === "-").length > 1) {
    throw new CommandError("decode: the standard input can be read once only");
  }
  refuseConflicts(flags);
  let stop = false;
  let interrupted = false;
  const onSignal = () => {
    stop = true;
    interrupted = true;
  };
  process.once("SIGINT", onSignal);
  const color = palette(flags.color);
  let deviant = 0;
  const selected = await keepOf(flags);
  const keep = flags.lint
    ? (record: CaptureRecord) => {
        const kept = selected?.(record) === true;
        if (kept) deviant++;
        return kept;
      }
    : selected;
  const decodeAs = decodeAsOf(flags["decode-as"]);
  const out = new ByteOutput(flags.output);
  const progress = new Progress(flags.progress);
  const style = flags.time ?? (flags.fields === undefined ? "relative" : "epoch");
  const time = new TimeFormatter(style as TimeStyle);
  try {
    const view = viewOf(flags, out, time, {
      ...(keep === undefined ? {} : { keep }),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
      onLimit: () => {
        stop = true;
      },
    });
    const [path] = paths;
    const parallel = flags.threads > 1 && paths.length === 1 && canShare(flags);
    const onIssue = (file: string, issue: Issue) => {
      progress.clear();
      process.stderr.write(
        `netkit: ${safe(file)}: ${issue.message} (${issue.code} at byte ${issue.offset})\n`,
      );
    };
    const shared = {
      stopped: () => stop,
      onIssue,
      heuristics: new Set(flags.heuristic ?? []),
      ...(decodeAs === undefined ? {} : { decodeAs }),
    };
    const run = parallel
      ? await decodeParallel(
          path as string,
          new URL("./capture-worker.js", import.meta.url),
          (bytes) => out.write(bytes),
          { threads: flags.threads, ...shared },
        )
      : await decodeCaptures(paths, view.output, {
          ...shared,
          follow: flags.follow,
          flush: () => view.flush(),
          ...(style === "relative" ? { onFirstPacket: (at) => time.begin(at) } : {}),
          onProgress: (bytes, size) => progress.update(bytes, size),
        });
    view.flush();
    progress.clear();
    const wanted = flags.account ?? (!flags.json && flags.fields === undefined);
    if (wanted) {
      const text = accountText(run.totals, flags.json, color);
      if (flags.json) out.text(text);
      else process.stderr.write(text);
    }
    out.commit();
    if (interrupted) return EXIT.interrupted;
    if (deviant > 0) return EXIT.negative;
    return flags.strict && run.issues.length > 0 ? EXIT.input : EXIT.done;
  } catch (error) {
    progress.clear();
    out.discard();
    if (error instanceof ReaderGone) return EXIT.done;
    throw error;
  } finally {
    process.removeListener("SIGINT", onSignal);
  }
}

/** Several processors work for plain files to NDJSON of all records; all else is done by one. */
function canShare(flags: DecodeFlags): boolean {
  const selecting = flags.filter ?? flags.protocol ?? flags.since ?? flags.until ?? flags.limit;
  return flags.json && !flags.follow && !flags.lint && selecting === undefined;
}

function viewOf(
  flags: DecodeFlags,
  out: ByteOutput,
  time: TimeFormatter,
  selection: Selection,
): View {
  const selecting = selection.keep !== undefined || selection.limit !== undefined;
  if (flags.json) return selecting ? jsonView(out, selection) : bulkJsonView(out);
  if (flags.fields !== undefined) {
    const fields = fieldsOf(flags.fields);
    const format = flags.format as Separated;
    if (flags.header) out.text(`${headerLine(fields, format)}\n`);
    const render = rowRenderer(fields, format, time);
    const names = fields.map((field) => field.alias ?? field.name);
    const quick = !selecting && format === "tsv" && (flags.time ?? "epoch") === "epoch";
    return (
      (quick ? columnsView(out, names, render) : undefined) ?? textView(out, selection, render)
    );
  }
  const toTerminal = flags.output === undefined && process.stdout.isTTY === true;
  const width = toTerminal ? process.stdout.columns : 0;
  const color = palette(flags.output === undefined ? flags.color : false);
  if (flags.lint) {
    return textView(
      out,
      selection,
      (record) =>
        renderLine(record, { color, time, width: 0 }) + renderIssues(deviations(record), color),
    );
  }
  const details = { tree: flags.verbose, hex: flags.hex };
  if (!details.tree && !details.hex) {
    return textView(out, selection, (record) => renderLine(record, { color, time, width }));
  }
  return textView(
    out,
    selection,
    (record) => renderLine(record, { color, time, width }) + renderDetails(record, details, color),
    true,
  );
}
