/** Query arguments as Kong reads them: `a=1&a=2&b` -> a: ['1', '2'], b: [true]. */
export function queryArguments(query: string): ReadonlyMap<string, readonly (string | true)[]> {
  const found = new Map<string, (string | true)[]>()
  for (const part of query.replace(/^\?/, '').split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = decode(equals < 0 ? part : part.slice(0, equals))
    const value = equals < 0 ? true : decode(part.slice(equals + 1))
    const values = found.get(name)
    if (values) values.push(value)
    else found.set(name, [value])
  }
  return found
}

/** The query without an argument; what is left is not changed. */
export function withoutArgument(query: string, name: string): string {
  const kept = query
    .replace(/^\?/, '')
    .split('&')
    .filter((part) => part !== '' && decode(part.split('=', 1)[0]!) !== name)
  return kept.length > 0 ? `?${kept.join('&')}` : ''
}

function decode(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
