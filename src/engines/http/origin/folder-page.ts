/** A folder as a page of links. */

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => ESCAPES[c] as string);
}

export function folderPage(segments: readonly string[], names: readonly string[]): string {
  const title = escaped(`/${segments.join("/")}`);
  const up = segments.length > 0 ? ['<li><a href="../">../</a></li>'] : [];
  const rows = names.map(
    (name) => `<li><a href="./${encodeURIComponent(name)}">${escaped(name)}</a></li>`,
  );
  return `<!doctype html>\n<meta charset="utf-8">\n<title>${title}</title>\n<h1>${title}</h1>\n<ul>\n${[...up, ...rows].join("\n")}\n</ul>\n`;
}
