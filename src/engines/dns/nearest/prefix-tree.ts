/**
 * Prefixes of one address family as a binary tree: the longest match of a network, and for how many
 * bits of it the same match holds. RFC 7871 7.2.1.
 */
import type { Network } from "./network.ts";
import { bitOf } from "./network.ts";

interface Node<Value> {
  readonly children: [Node<Value> | undefined, Node<Value> | undefined];
  value: Value | undefined;
  /** Bits of the longest prefix at or below it. */
  deepest: number;
}

export interface Match<Value> {
  /** Of the prefixes that hold the whole network, the shortest first. */
  readonly values: readonly Value[];
  /**
   * SCOPE PREFIX-LENGTH: every address that shares so many bits has the same matches. More than the
   * bits of the network when these do not tell which prefix it is (RFC 7871 7.2.1: future questions
   * should then tell so many).
   */
  readonly scope: number;
}

export class PrefixTree<Value> {
  private readonly root: Node<Value> = newNode(0);

  /** The value of a prefix, made when there is none. */
  at({ bytes, bits }: Network, make: () => Value): Value {
    let node = this.root;
    node.deepest = Math.max(node.deepest, bits);
    for (let depth = 0; depth < bits; depth++) {
      const bit = bitOf(bytes, depth);
      node.children[bit] ??= newNode(depth + 1);
      node = node.children[bit] as Node<Value>;
      node.deepest = Math.max(node.deepest, bits);
    }
    node.value ??= make();
    return node.value;
  }

  match({ bytes, bits }: Network): Match<Value> {
    const values: Value[] = [];
    let node = this.root;
    for (let depth = 0; ; depth++) {
      if (node.value !== undefined) values.push(node.value);
      // Overlapping prefixes are told apart where they part: a longer one below must not be hidden
      // in a cache by the answer for a shorter one.
      if (node.deepest === depth) return { values, scope: depth };
      if (depth === bits) return { values, scope: node.deepest };
      const next = node.children[bitOf(bytes, depth)];
      if (next === undefined) return { values, scope: depth + 1 };
      node = next;
    }
  }
}

function newNode<Value>(deepest: number): Node<Value> {
  return { children: [undefined, undefined], value: undefined, deepest };
}
