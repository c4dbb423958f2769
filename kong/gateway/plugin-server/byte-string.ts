/** The text whose UTF-8 a byte string (one character a byte) is; what is not UTF-8 becomes replacement characters. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
