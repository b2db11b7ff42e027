/** What is bound to the ports of a node. */

interface Bound {
  readonly local: { readonly addr: string };
}

export class Ports<T extends Bound> {
  private readonly byPort = new Map<number, T[]>();

  at(port: number): readonly T[] | undefined {
    return this.byPort.get(port);
  }

  add(port: number, bound: T): void {
    const there = this.byPort.get(port);
    if (there === undefined) this.byPort.set(port, [bound]);
    else there.push(bound);
  }

  remove(port: number, bound: T): void {
    const there = this.byPort.get(port);
    if (there === undefined) return;
    const rest = there.filter((other) => other !== bound);
    if (rest.length === 0) this.byPort.delete(port);
    else this.byPort.set(port, rest);
  }

  /** Whether `addr` can be bound there; `shared` as SO_REUSEPORT. */
  free(addr: string, port: number, shared = false): boolean {
    const there = this.byPort.get(port);
    if (there === undefined || shared) return true;
    const any = (a: string) => a === "0.0.0.0" || a === "::";
    return !there.some((b) => b.local.addr === addr || any(addr) || any(b.local.addr));
  }

  all(): T[] {
    return [...this.byPort.values()].flat();
  }

  clear(): void {
    this.byPort.clear();
  }
}
