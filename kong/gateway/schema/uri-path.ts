/** Paths of URIs as Kong checks and normalises them (RFC 3986 section 5.2.4, reserved characters stay escaped). */

const RESERVED = new Set("!*'();:@&=+$,/?%#[]")

/** Percent escapes of plain characters decoded, dot segments removed, slashes merged. Works on UTF-8 bytes. */
export function normalizePath(path: string): string {
  const bytes = Buffer.from(path, 'utf8').toString('latin1')
  const decoded = bytes.replace(/%([\dA-Fa-f]{2})/g, (escaped, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16))
    return RESERVED.has(char) ? escaped.toUpperCase() : char
  })
  return Buffer.from(removeDotSegments(decoded), 'latin1').toString('utf8')
}

function removeDotSegments(path: string): string {
  if (path === '' || path === '/') return path
  if (!path.includes('.') && !path.includes('//')) return path
  const output: string[] = []
  let rest = path
  while (rest !== '') {
    if (rest === '/.' || rest === '/..') {
      if (rest === '/..') output.pop()
      rest = '/'
    } else if (rest === '.' || rest === '..') rest = ''
    else if (rest.startsWith('../')) rest = rest.slice(3)
    else if (rest.startsWith('./') || rest.startsWith('/./')) rest = rest.slice(2)
    else if (rest.startsWith('/../')) {
      output.pop()
      rest = rest.slice(3)
    } else if (rest.startsWith('//')) rest = rest.slice(1)
    else {
      const slash = rest.indexOf('/', 1)
      output.push(slash < 0 ? rest : rest.slice(0, slash))
      rest = slash < 0 ? '' : rest.slice(slash)
    }
  }
  return output.join('')
}

/** What is wrong with a fixed path; `kind` tells bad escapes from bad characters. */
export function pathError(
  path: string,
): { readonly kind: 'characters' | 'escape'; readonly text: string } | undefined {
  if (!/^\/[\w.\-~/%:@!$&'()*+,;=]*$/.test(path)) {
    const text = `invalid path: '${path}' (characters outside of the reserved list of RFC 3986 found)`
    return { kind: 'characters', text }
  }
  const bad = /%.?.?/.exec(path.replace(/%[\dA-Fa-f]{2}/g, '___'))
  return bad ? { kind: 'escape', text: `invalid url-encoded value: '${bad[0]}'` } : undefined
}
