/** The simulated world: engines in virtual time, with faults, the same for a seed. */

export type { ChaosKind, ChaosProfile } from "./chaos.ts";
export type { Rule, Verdict } from "./faults.ts";
export type { Middlebox } from "./middlebox.ts";
export type { NatKind, NatOptions } from "./nat.ts";
export { Nat } from "./nat.ts";
export type { LinkQuality } from "./topology.ts";
export { Trace } from "./trace.ts";
export type { NodeOptions, WorldOptions } from "./world.ts";
export { World } from "./world.ts";
