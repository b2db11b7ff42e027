/** Flags that may repeat, or be left out. */

/** No value, which the help does not show as an empty default. */
export const noneGiven = { default: [] as string[], defaultHelp: () => Promise.resolve("") };
