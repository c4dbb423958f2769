import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  consulLink,
  grafanaLink,
  jaegerLink,
  kongLink,
  prometheusLink,
} from '../../../operator/dashboard/model/deep-links.ts'

const NONE = { grafana: null, prometheus: null, jaeger: null }
const consul = { url: 'http://consul:8500', connected: true, error: null }
const kong = { connected: true, error: null, version: null }

const links: readonly (readonly [what: string, link: string | null, wanted: string | null])[] = [
  [
    'the service in the UI of its own data centre',
    consulLink({ ...consul, datacenter: 'eu west' }, 'a/b'),
    'http://consul:8500/ui/eu%20west/services/a%2Fb',
  ],
  [
    'the start of the UI where the data centre is not known',
    consulLink({ ...consul, datacenter: null }, 'web'),
    'http://consul:8500/ui/',
  ],
  [
    'the upstream at the first of several Kongs',
    kongLink({ ...kong, url: 'http://k1:8001, http://k2:8001' }, 'web'),
    'http://k1:8001/upstreams/web.mesh/health',
  ],
  [
    'the dashboard of a service, below a prefix',
    grafanaLink({ ...NONE, grafana: 'https://x/grafana/' }, 'a&b'),
    'https://x/grafana/d/kongsul-service?var-service=a%26b',
  ],
  [
    'the dashboard of the mesh',
    grafanaLink({ ...NONE, grafana: 'http://g' }, null),
    'http://g/d/kongsul-mesh',
  ],
  ['a search for traces', jaegerLink({ ...NONE, jaeger: 'http://j' }, null), 'http://j/search'],
  ['a trace', jaegerLink({ ...NONE, jaeger: 'http://j' }, 'ab12'), 'http://j/trace/ab12'],
  ['nothing where no Grafana is named', grafanaLink(NONE, 'web'), null],
  ['nothing where no Prometheus is named', prometheusLink(NONE, null), null],
  ['nothing where no Jaeger is named', jaegerLink(NONE, 'ab12'), null],
]
for (const [what, link, wanted] of links) test(`a link leads to ${what}`, () => equal(link, wanted))

test('the expression for Prometheus asks for one service, whatever its name is', () => {
  const link = new URL(prometheusLink({ ...NONE, prometheus: 'http://p' }, 'a"b') ?? '')
  equal(link.pathname, '/graph')
  equal(link.searchParams.get('g0.expr'), 'sum by (status) (rate(mesh_requests_total{service="a\\"b"}[1m]))')
})
