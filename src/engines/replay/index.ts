/** From captures to workloads that can be fetched again in other ways. */
export { inferWorkload } from "./infer.ts";
export { Observer } from "./observer.ts";
export type * from "./workload.ts";
