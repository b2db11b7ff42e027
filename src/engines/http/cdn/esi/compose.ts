/** A page from its template and fragments, which are fetched side by side. ESI 1.0, 3. */
import { holds } from "./expression.ts";
import type { EsiNode } from "./template.ts";
import { EsiError } from "./template.ts";
import type { Variables } from "./variables.ts";
import { inHtml, inUrl } from "./variables.ts";

export interface EsiContext {
  readonly variables: Variables;
  /** A fragment as text, whole; `done` may be called before this returns. */
  fetch(src: string, done: (error: Error | undefined, text: string) => void): void;
}

/** `done` has the page, or why there is none. */
export function compose(
  nodes: readonly EsiNode[],
  context: EsiContext,
  done: (error: Error | undefined, text: string) => void,
): void {
  const parts: string[] = new Array<string>(nodes.length).fill("");
  let waiting = nodes.length + 1;
  let failed: Error | undefined;
  const arrived = (i: number) => (error: Error | undefined, text: string) => {
    failed ??= error;
    parts[i] = text;
    if (--waiting === 0) done(failed, failed === undefined ? parts.join("") : "");
  };
  for (const [i, node] of nodes.entries()) {
    try {
      composeOne(node, context, arrived(i));
    } catch (error) {
      if (!(error instanceof EsiError)) throw error;
      arrived(i)(error, "");
    }
  }
  arrived(nodes.length)(undefined, "");
}

/** Calls `done` once, or throws before it has. */
function composeOne(
  node: EsiNode,
  context: EsiContext,
  done: (error: Error | undefined, text: string) => void,
): void {
  const { variables } = context;
  switch (node.kind) {
    case "text":
      done(undefined, node.text);
      return;
    case "vars":
      compose(node.nodes.map(withVariables(variables)), context, done);
      return;
    case "choose": {
      const chosen = node.whens.find(({ test }) => holds(test, variables));
      compose(chosen?.nodes ?? node.otherwise, context, done);
      return;
    }
    case "try":
      compose(node.attempt, context, (error, text) => {
        if (error === undefined) done(undefined, text);
        else compose(node.except, context, done);
      });
      return;
    case "include": {
      const urls = [node.src, ...(node.alt === undefined ? [] : [node.alt])];
      first(
        urls.map((url) => variables.expand(url, inUrl)),
        context,
        (error, text) => done(node.goesOn ? undefined : error, text),
      );
    }
  }
}

/** The first of them that can be fetched. */
function first(
  urls: readonly string[],
  context: EsiContext,
  done: (error: Error | undefined, text: string) => void,
): void {
  const [url = "", ...others] = urls;
  context.fetch(url, (error, text) => {
    if (error !== undefined && others.length > 0) first(others, context, done);
    else done(error, text);
  });
}

function withVariables(variables: Variables): (node: EsiNode) => EsiNode {
  return (node) =>
    node.kind === "text" ? { kind: "text", text: variables.expand(node.text, inHtml) } : node;
}
