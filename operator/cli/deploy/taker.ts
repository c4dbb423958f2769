import type { Entity } from '../../core/entity.ts'
import { type ExplainedRoute, explainRequest } from '../../core/explain-request.ts'

/** The route that takes such a request; null: none does, or it makes no address. Pure. */
export function takerOf(
  { method, host, path }: { readonly method: string; readonly host: string; readonly path: string },
  kong: readonly Entity[],
): ExplainedRoute | null {
  const url = `http://${host}${path}`
  if (!URL.canParse(url)) return null
  return explainRequest({ method, url, headers: new Map([['host', [host]]]) }, kong).route
}

/** What people know a route by. */
export const routeName = ({ name, id }: Pick<ExplainedRoute, 'name' | 'id'>): string => name || id
