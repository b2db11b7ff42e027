/** Values out of JSON that people write: each refusal names the place. */

/** JSON that is not what it should be. */
export class ShapeError extends Error {}

type Json = Record<string, unknown>;

/** A place in a JSON text, with what stands there. */
export class Place {
  readonly value: unknown;
  readonly name: string;

  constructor(value: unknown, name: string) {
    this.value = value;
    this.name = name;
  }

  refuse(what: string): never {
    throw new ShapeError(`${this.name} ${what}`);
  }

  private get object(): Json {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.refuse("is not an object");
    }
    return value as Json;
  }

  at(key: string): Place {
    const { object } = this;
    const name = this.name === "" ? key : `${this.name}.${key}`;
    return new Place(Object.hasOwn(object, key) ? object[key] : undefined, name);
  }

  get present(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  list<T>(read: (place: Place, index: number) => T): T[] {
    if (!Array.isArray(this.value)) this.refuse("is not a list");
    return (this.value as unknown[]).map((one, i) => read(new Place(one, `${this.name}[${i}]`), i));
  }

  text(): string {
    if (typeof this.value !== "string") this.refuse("is not a text");
    return this.value as string;
  }

  flag(): boolean {
    if (typeof this.value !== "boolean") this.refuse("is neither true nor false");
    return this.value as boolean;
  }

  number(least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY): number {
    const { value } = this;
    if (typeof value !== "number" || !Number.isFinite(value)) this.refuse("is not a number");
    const found = value as number;
    if (found < least) this.refuse(`is ${found}: at least ${least}`);
    if (found > most) this.refuse(`is ${found}: at most ${most}`);
    return found;
  }

  whole(least = 0, most = Number.MAX_SAFE_INTEGER): number {
    const found = this.number(least, most);
    if (!Number.isInteger(found)) this.refuse(`is ${found}: a whole number is expected`);
    return found;
  }

  oneOf<T extends string>(known: readonly T[]): T {
    const found = this.text() as T;
    if (!known.includes(found)) this.refuse(`is "${found}": one of ${known.join(", ")}`);
    return found;
  }

  /** As `read` has it; null where nothing stands. */
  orNull<T>(read: (place: Place) => T): T | null {
    return this.present ? read(this) : null;
  }

  or<T>(missing: T, read: (place: Place) => T): T {
    return this.present ? read(this) : missing;
  }
}
