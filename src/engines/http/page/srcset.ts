/** Image candidates. HTML 4.8.4.2.2 and 4.8.4.3.5: which of them a screen of density 1 takes. */

export function bestCandidate(srcset: string): string | undefined {
  let best: { url: string; density: number } | undefined;
  for (const { url, descriptor } of candidates(srcset)) {
    const match = /^([0-9.]+)([wx])$/.exec(descriptor);
    // Widths are compared with those of a window of 1280 pixels.
    const density =
      match === null ? 1 : match[2] === "x" ? Number(match[1]) : Number(match[1]) / 1280;
    if (best === undefined || better(density, best.density)) best = { url, density };
  }
  return best?.url;
}

/** The smallest that is dense enough, else the densest. */
function better(a: number, b: number): boolean {
  if (a >= 1 && b >= 1) return a < b;
  return a > b;
}

/** HTML 4.8.4.3.10: a URL goes up to white space; its descriptor up to a comma. */
function candidates(srcset: string): { url: string; descriptor: string }[] {
  const found: { url: string; descriptor: string }[] = [];
  const word = /[\s,]*(\S+)/y;
  for (let match = word.exec(srcset); match !== null; match = word.exec(srcset)) {
    const text = match[1] as string;
    const url = text.replace(/,+$/, "");
    let descriptor = "";
    if (url === text) {
      const comma = srcset.indexOf(",", word.lastIndex);
      const end = comma < 0 ? srcset.length : comma;
      descriptor = srcset.slice(word.lastIndex, end).trim();
      word.lastIndex = end;
    }
    if (url !== "") found.push({ url, descriptor });
  }
  return found;
}
