import { describe, expect, it } from "vitest";
import { styleReferences } from "../../../../src/engines/http/page/css.ts";
import { PageScanner } from "../../../../src/engines/http/page/html.ts";
import { bestCandidate } from "../../../../src/engines/http/page/srcset.ts";

const PAGE = `<!doctype html><html><head>
<base href="/base/"><link rel="stylesheet" href="a.css"><link rel="alternate stylesheet" href="no.css">
<link rel=preload as=font href=f.woff2 crossorigin><link rel="preload" as="image" imagesrcset="p1.png 1x, p2.png 2x" href="p.png">
<script src="s.js"></script><script>document.write('<img src="written.png">')</script>
<script type="text/template" src="t.js"></script>
<style>@import "i.css"; body { background: url('bg.png') }</style>
</head><body style="background: url(inline.png)"><!-- <img src="comment.png"> -->
<img src=one.png><img srcset="s.png 400w, m.png 1300w, l.png 2600w" src="fallback.png">
<noscript><img src="noscript.png"></noscript><template><img src="template.png"></template>
<video poster="poster.jpg" src="v.mp4" preload=none></video><textarea><img src="text.png"></textarea>
<iframe src="frame.html"></iframe><input type=image src=button.png><object data="o.svg"></object>
<a href="link.html">x</a><img src="#no"></body></html>`;

const EXPECTED = [
  "a.css f.woff2 p1.png s.js i.css bg.png inline.png one.png m.png poster.jpg frame.html button.png o.svg",
];

describe("what a page makes a browser fetch", () => {
  it("HTML 4: references in the order in which they become known; scripts are not run", () => {
    const scanner = new PageScanner();
    const urls = [...scanner.push(PAGE), ...scanner.end()].map(({ url }) => url);
    expect([urls.join(" ")]).toEqual(EXPECTED);
    expect(scanner.base).toBe("/base/");
  });

  it("a page that comes in pieces makes the same known, and early", () => {
    for (const size of [1, 7, 64]) {
      const scanner = new PageScanner();
      const urls: string[] = [];
      let firstAt = -1;
      for (let at = 0; at < PAGE.length; at += size) {
        for (const { url } of scanner.push(PAGE.slice(at, at + size))) {
          if (firstAt < 0) firstAt = at;
          urls.push(url);
        }
      }
      urls.push(...scanner.end().map(({ url }) => url));
      expect([urls.join(" ")]).toEqual(EXPECTED);
      expect(firstAt).toBeLessThan(PAGE.indexOf("</head>"));
    }
  });

  it.each([
    ["@import url(a.css); @import 'b.css' screen;", "style:a.css style:b.css"],
    ['.x { background: URL( "c.png" ) , url(d\\.png) }', "image:c.png image:d.png"],
    [
      "@font-face { font-family: F; src: local('F'), url(f.eot?#x) format('embedded-opentype'), url(f.woff2) format('woff2'), url(f.woff) format('woff') }",
      "font:f.woff2",
    ],
    ["/* url(no.png) */ .y { content: 'url(no.png)' }", ""],
    [".z { background: url( } @import 'late.css'", ""],
    [".s { mask: url(#local) }", ""],
    ["@media print { .p { background: url(p.png) } }", "image:p.png"],
  ])("CSS: %j", (sheet, expected) => {
    expect(
      styleReferences(sheet)
        .map(({ kind, url }) => `${kind}:${url}`)
        .join(" "),
    ).toBe(expected);
  });

  it.each([
    ["a.png", "a.png"],
    ["a.png 1x, b.png 2x", "a.png"],
    ["b.png 2x, a.png", "a.png"],
    ["s.png 100w, l.png 3000w, m.png 1500w", "m.png"],
    ["data:image/png;base64,AA 1x", "data:image/png;base64,AA"],
    ["", undefined],
  ])("HTML 4.8.4.3.5: of %j a screen of density 1 takes %j", (srcset, expected) => {
    expect(bestCandidate(srcset)).toBe(expected);
  });
});
