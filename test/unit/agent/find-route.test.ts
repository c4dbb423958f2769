import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteView } from '../../../operator/core/mesh-view.ts'
import { findRoute } from '../../../plugins/agent/find-route.ts'

const route = (id: string, hosts: readonly string[], paths: readonly string[] = []): RouteView => ({
  id,
  name: id,
  hosts,
  paths,
})
const byHost = route('by-host', ['web.mesh'])
const byPath = route('by-path', [], ['/web/'])
const deeper = route('deeper', [], ['/web/v2/'])
const wild = route('wild', ['*.Example.com', 'web.*'])
const regex = route('regex', [], ['~/w.b/\\d+$'])

const CASES: readonly [what: string, routes: RouteView[], host: string, path: string, id: string | null][] = [
  ['the only route is it, whatever was asked for', [byHost], 'other', '/x', 'by-host'],
  ['a route with the host comes before one without', [byPath, byHost], 'web.mesh', '/web/', 'by-host'],
  ['port and case of a host do not count', [byPath, byHost], 'WEB.mesh:8000', '/web/', 'by-host'],
  ['the longest path wins', [byPath, deeper], 'x', '/web/v2/a', 'deeper'],
  ['a wildcard at the beginning matches in any case', [wild, byPath], 'a.example.COM', '/', 'wild'],
  ['a wildcard at the end matches', [wild, byPath], 'web.test', '/', 'wild'],
  ['an expression is taken where nothing else is left', [regex, byHost], 'x', '/web/7', 'regex'],
  ['a path comes before an expression', [regex, byPath], 'x', '/web/7', 'by-path'],
  ['of two that would do none is named', [byPath, route('twin', [], ['/web/'])], 'x', '/web/', null],
  ['nothing matches', [byHost, byPath], 'x', '/y', null],
  ['there is no route', [], 'x', '/', null],
]
for (const [what, routes, host, path, id] of CASES) {
  test(what, () => equal(findRoute(routes, host, path)?.id ?? null, id))
}
