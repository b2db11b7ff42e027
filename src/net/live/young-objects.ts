/** What a server makes for a request dies young, and V8 has to be told so. */
import { setFlagsFromString } from "node:v8";

/**
 * V8 counts how much of what each piece of code allocates outlives two collections, and moves all of
 * it to the old heap from then on. While a server warms up its heap is small and collected often, so
 * that the requests in flight look long-lived: then every request's objects are old from birth, keep
 * what they point to, and a third of the time goes into collecting them (docs/decisions/0033).
 */
export function keepObjectsYoung(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
