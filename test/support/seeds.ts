/** Seeds of simulated runs: 20, or as many as NETKIT_SEEDS says. */
export function seeds(few = 20): number[] {
  const count = Number(process.env["NETKIT_SEEDS"] ?? few);
  return Array.from({ length: count }, (_, i) => i + 1);
}
