/**
 * A page made at the edge of a CDN: a template that stays for a minute, news that stay for ten
 * seconds, and a greeting that is made for each client.
 *
 *   netkit http serve examples/site --module examples/esi.mjs --listen 127.0.0.1:8080
 *   netkit http cdn --site www.foo.com=http://127.0.0.1:8080 --edge fra=127.0.1.1:8090 --esi
 *   curl --resolve www.foo.com:8090:127.0.1.1 http://www.foo.com:8090/today -H 'Cookie: name=Ada'
 */
const TEMPLATE = `<html><body>
<esi:include src="/greeting" onerror="continue"/>
<esi:try>
<esi:attempt><esi:include src="/news"/></esi:attempt>
<esi:except><p>no news</p></esi:except>
</esi:try>
<esi:choose>
<esi:when test="$(HTTP_ACCEPT_LANGUAGE{de})"><p>Guten Tag</p></esi:when>
<esi:otherwise><p>Good day</p></esi:otherwise>
</esi:choose>
</body></html>
`;

const html = { "Content-Type": "text/html; charset=utf-8" };
let made = 0;

export default function today({ path, headers }) {
  if (path === "/today") {
    const control = { "Surrogate-Control": 'max-age=60, content="ESI/1.0"' };
    return { headers: { ...html, ...control }, body: TEMPLATE };
  }
  if (path === "/news") {
    return { headers: { ...html, "Cache-Control": "max-age=10" }, body: `<p>news ${++made}</p>` };
  }
  if (path === "/greeting") {
    const name = /(?:^|;\s*)name=([A-Za-z]+)/.exec(headers.cookie ?? "")?.[1] ?? "stranger";
    return { headers: { ...html, "Cache-Control": "no-store" }, body: `<p>hello ${name}</p>` };
  }
  return undefined;
}
