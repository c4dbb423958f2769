import type { ResponseHead } from '../proxy/parse-response-head.ts'
import type { RequestContext } from '../proxy/request-context.ts'

/** What a response header is going to be: edits by plugins first, then the upstream's; undefined when absent. */
export function headerValues(
  context: RequestContext,
  upstream: ResponseHead | null,
  name: string,
): readonly string[] | undefined {
  const lower = name.toLowerCase()
  const edit = context.responseHeaders.get(lower)
  if (edit !== undefined) return edit?.values
  const values: string[] = []
  const raw = upstream?.rawHeaders ?? []
  for (let i = 0; i < raw.length; i += 2) if (raw[i]!.toLowerCase() === lower) values.push(raw[i + 1]!)
  return values.length > 0 ? values : undefined
}
