/** `--fields`: chosen fields as separated columns. */
import type { Field } from "../engines/capture/fields.ts";
import { FIELDS, similarNames } from "../engines/capture/fields.ts";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { CommandError } from "../failure.ts";
import type { TimeFormatter } from "./time.ts";

export type Separated = "tsv" | "csv";

/** The fields of a list of names joined by commas. @throws CommandError */
export function fieldsOf(list: string): Field[] {
  const names = list.split(",").map((name) => name.trim());
  return names.map((name) => {
    const field = FIELDS.get(name);
    if (field === undefined) {
      const similar = similarNames(name, FIELDS.keys());
      const hint = similar.length > 0 ? `; did you mean ${similar.join(", ")}?` : "";
      throw new CommandError(
        `--fields: there is no field ${name === "" ? '""' : name}${hint} (netkit fields lists them)`,
      );
    }
    return field;
  });
}

export function headerLine(fields: readonly Field[], format: Separated): string {
  return fields.map((field) => cell(field.name, format)).join(format === "csv" ? "," : "\t");
}

/**
 * One row a record; several values of a field are joined by commas. Records that have none of the
 * wanted protocol fields give no row (when only envelope fields are wanted, all do).
 */
export function rowRenderer(
  fields: readonly Field[],
  format: Separated,
  time: TimeFormatter,
): (record: CaptureRecord) => string | undefined {
  const separator = format === "csv" ? "," : "\t";
  const ofProtocols = fields.some((field) => field.protocol !== undefined);
  return (record) => {
    let found = !ofProtocols;
    const cells = fields.map((field) => {
      if (field.name === "time" || field.alias === "time") return time.format(record.time);
      const values = field.values(record);
      if (values.length > 0 && field.protocol !== undefined) found = true;
      return cell(values.length === 1 ? String(values[0]) : values.map(String).join(","), format);
    });
    return found ? cells.join(separator) : undefined;
  };
}

/** RFC 4180 quoting; in TSV the separators are written as \t, \n, \r and \\. */
function cell(text: string, format: Separated): string {
  if (format === "csv") return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  if (!/[\t\n\r\\]/.test(text)) return text;
  return text.replace(/[\t\n\r\\]/g, (c) =>
    c === "\t" ? "\\t" : c === "\n" ? "\\n" : c === "\r" ? "\\r" : "\\\\",
  );
}
