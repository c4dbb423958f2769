import { isCallPath, PATH_ERROR } from '../call/call-request.ts'

/** What keeps a text from being the path of a call within the mesh; null for a good one. May carry a query. */
export function callPathProblem(path: string): string | null {
  if (path.length > 2048) return 'must not be longer than 2048 characters'
  return isCallPath(path) ? null : PATH_ERROR
}
