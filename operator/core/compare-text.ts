/** Order of two texts by their UTF-16 units, as `sort` has it. */
export const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
