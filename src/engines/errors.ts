/** What an engine throws when its caller breaks the contract; faults of peers never throw. */
export class StateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "StateError";
  }
}
