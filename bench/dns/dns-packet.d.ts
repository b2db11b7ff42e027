/** What the benchmark uses of a package without types. */
declare module "dns-packet" {
  export function decode(bytes: Uint8Array): object;
  export function encode(packet: object): Uint8Array;
}
