/** Rows of cells below their heads, each column as wide as its widest cell. */

/** Lines without their ends: the heads, then the rows. `right`: all but the first column end flush. */
export function aligned(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  right = false,
): string[] {
  const all = [heads, ...rows];
  const widths = heads.map((_, i) => Math.max(...all.map((cells) => cells[i]?.length ?? 0)));
  return all.map((cells) =>
    cells
      .map((cell, i) =>
        right && i > 0 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}
