/** Values of JSON that few fields are made for. */
export const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 60,
  '',
  '\u0000',
  '__proto__',
]
