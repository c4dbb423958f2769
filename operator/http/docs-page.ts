import { CODES } from './api-error.ts'
import type { DescribedRoute } from './openapi.ts'

const CODE_LIST = Object.entries(CODES)
  .map(([status, code]) => `${status} <code>${code}</code>`)
  .join(', ')

/** Nothing but the page itself: no scripts, no other origin, no frame around it. */
export const DOCS_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The API for people, as one HTML page without scripts. */
export function docsPage(routes: readonly DescribedRoute[], version: string): string {
  const rows = [...routes]
    .sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0))
    .map(row)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>kongsul ${escaped(version)}: API</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #8884 }
code { font: 13px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
</style>
<h1>kongsul ${escaped(version)}</h1>
<p>The whole description, for programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).
Errors are <code>{"error": {"code", "message", "details"}, "detail"}</code>; a field that is not known is refused with 422.
Codes: ${CODE_LIST}.</p>
<table>
<thead><tr><th>Route</th><th>What it does</th><th>Takes</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</html>
`
}

function row({ method, path, info }: DescribedRoute): string {
  const fields = (name: string, shape: object | undefined) => {
    const names = Object.keys(shape ?? {})
    return names.length === 0 ? '' : `${name} <code>${escaped(names.join(', '))}</code><br>`
  }
  const takes = `${fields('query', info?.query)}${fields('body', info?.body)}`
  const shown = path.replaceAll(/:([a-z_]+)/g, '{$1}')
  return `<tr><td><code>${escaped(method)} ${escaped(shown)}</code></td><td>${escaped(info?.summary ?? '')}</td><td>${takes}</td></tr>`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
