/** What keeps a text from being the path of a call within the mesh; null for a good one. May carry a query. */
export function callPathProblem(path: string): string | null {
  if (!path.startsWith('/') || path.startsWith('//')) return 'must begin with exactly one "/"'
  if (path.length > 2048) return 'must not be longer than 2048 characters'
  if (!/^[\x21-\x7e]*$/.test(path) || /[\\#]/.test(path)) {
    return 'must be printable ASCII without spaces, "\\" and "#"'
  }
  const segments = path.split('?', 1)[0]!.split('/')
  const isDots = (segment: string) => /^\.{1,2}$/.test(segment.replace(/%2e/gi, '.'))
  return segments.some(isDots) ? 'must not have "." or ".." as a segment' : null
}
