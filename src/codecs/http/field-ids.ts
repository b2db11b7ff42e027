/** Fields that framing and records ask for, by number. RFC 9110, 9112. */

/** Fields that framing or records ask for, as `Head.id` tells them. */
export const FIELD = {
  OTHER: 0,
  HOST: 1,
  UPGRADE: 2,
  LOCATION: 3,
  CONNECTION: 4,
  CONTENT_TYPE: 5,
  CONTENT_LENGTH: 6,
  CONTENT_ENCODING: 7,
  TRANSFER_ENCODING: 8,
} as const;

/** The one such field of each length of a name. */
export const BY_LENGTH: readonly (readonly [lower: string, id: number] | undefined)[] = (() => {
  const table: (readonly [string, number] | undefined)[] = new Array(18).fill(undefined);
  const names: readonly (readonly [string, number])[] = [
    ["host", FIELD.HOST],
    ["upgrade", FIELD.UPGRADE],
    ["location", FIELD.LOCATION],
    ["connection", FIELD.CONNECTION],
    ["content-type", FIELD.CONTENT_TYPE],
    ["content-length", FIELD.CONTENT_LENGTH],
    ["content-encoding", FIELD.CONTENT_ENCODING],
    ["transfer-encoding", FIELD.TRANSFER_ENCODING],
  ];
  for (const entry of names) table[entry[0].length] = entry;
  return table;
})();
