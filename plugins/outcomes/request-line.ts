/** A request line in its parts; what is missing is empty. */
export interface RequestLine {
  readonly method: string
  /** Without the query: it may hold secrets. */
  readonly path: string
  /** `1.1`, `2.0` */
  readonly protocol: string
}

/**
 * Reads nginx's `$request`, e.g. `GET /a?b=c HTTP/1.1`. Of a target in absolute form (RFC 9112, 3.2.2) the path remains.
 */
export function readRequestLine(line: string): RequestLine {
  const first = line.indexOf(' ')
  if (first < 0) return { method: '', path: '', protocol: '' }
  const last = line.lastIndexOf(' HTTP/')
  const target = last > first ? line.slice(first + 1, last) : line.slice(first + 1)
  return {
    method: line.slice(0, first),
    path: pathOf(target),
    protocol: last > first ? line.slice(last + ' HTTP/'.length) : '',
  }
}

/** The path of a request target, without query and fragment. */
export function pathOf(target: string): string {
  let from = 0
  if (!target.startsWith('/')) {
    const authority = target.indexOf('://')
    if (authority >= 0) {
      from = target.indexOf('/', authority + 3)
      if (from < 0) return '/'
    }
  }
  const end = endOfPath(target, from)
  return from === 0 && end === target.length ? target : target.slice(from, end)
}

function endOfPath(target: string, from: number): number {
  for (let i = from; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code === 0x3f || code === 0x23) return i
  }
  return target.length
}
