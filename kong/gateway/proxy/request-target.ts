/** The parts of a request line's target. */
export interface RequestTarget {
  /** As sent, up to `?`. */
  readonly rawPath: string
  /** With `?`; '' when there is none. */
  readonly query: string
  /** Authority of an absolute-form target, else undefined. */
  readonly authority: string | undefined
}

/** Null for targets that nginx refuses with 400: above the root, broken escapes, no leading slash. */
export function parseTarget(url: string): RequestTarget | null {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url)
  const target = absolute ? absolute[2] || '/' : url
  const from = target.startsWith('/') ? target : target.startsWith('?') ? `/${target}` : null
  if (from === null) return null
  const mark = from.indexOf('?', 1)
  const rawPath = mark < 0 ? from : from.slice(0, mark)
  if (!isAcceptable(rawPath)) return null
  return { rawPath, query: mark < 0 ? '' : from.slice(mark), authority: absolute?.[1] }
}

/** nginx decodes the path before it checks it, so `%2e%2e` climbs and `%zz` is an error. */
function isAcceptable(rawPath: string): boolean {
  if (rawPath.includes('\0')) return false
  if (!rawPath.includes('%') && !rawPath.includes('..')) return true
  if (/%(?![0-9a-fA-F]{2})|%00/.test(rawPath)) return false
  const decoded = rawPath.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  let depth = 0
  for (const segment of decoded.split('/')) {
    if (segment === '..') depth--
    else if (segment !== '' && segment !== '.') depth++
    if (depth < 0) return false
  }
  return true
}

/** The path nginx would show as `$uri`: decoded and normalised, for hashing on it. */
export function decodedPath(rawPath: string): string {
  const decoded = rawPath.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const kept: string[] = []
  for (const segment of decoded.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}${/\/(\.{1,2})?$/.test(decoded) && kept.length > 0 ? '/' : ''}`
}
