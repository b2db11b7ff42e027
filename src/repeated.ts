/** Flags that may repeat, or be left out. */

/** One value each time; none at first, which the help does not show as an empty default. */
export const many = {
  multiple: true,
  multipleNonGreedy: true,
  default: [] as string[],
  defaultHelp: () => Promise.resolve(""),
} as const;
