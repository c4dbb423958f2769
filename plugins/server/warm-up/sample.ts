// What a request of Kong's looks like: made up, of the shape and size of real ones.
import { linePrefix } from '../../outcomes/log-format.ts'
import { createMeshHeaderCodec } from '../../outcomes/mesh-headers.ts'

const SERVICE = '00000000-0000-5000-8000-000000000001'
const ROUTE = '00000000-0000-5000-8000-000000000002'
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** As Kong gives it to StartInstance. */
export const SAMPLE_CONFIG = {
  service_id: SERVICE,
  __plugin_id: '00000000-0000-5000-8000-000000000003',
  __seq__: 1,
}

/** Its answer to kong.request.get_headers. */
export const SAMPLE_HEADERS = {
  host: ['web.mesh'],
  'user-agent': ['curl/8.5.0'],
  accept: ['*/*'],
  'x-request-id': ['8c4d3a2b1f0e'],
  traceparent: [TRACEPARENT],
  connection: ['keep-alive'],
}

const TOKEN = 'a-token-that-nobody-has'

/** A datagram of the access log, and the token of its line. */
export function sampleLine(endedAtMs: number): { readonly token: string; readonly datagram: Buffer } {
  const mesh = createMeshHeaderCodec(TOKEN).write({ serviceId: SERVICE, routeId: ROUTE, parentSpanId: null })
  const fields = {
    t: (endedAtMs / 1_000).toFixed(3),
    d: '0.004',
    i: '0123456789abcdef0123456789abcdef',
    q: 'GET /orders/1?page=2 HTTP/1.1',
    h: 'web.mesh',
    c: 'http',
    s: '200',
    a: '10.0.0.1:80, 10.0.0.2:80',
    us: '502, 200',
    uc: '-, 0.000',
    uh: '-, 0.002',
    ut: '0.001, 0.002',
    l: '1',
    tp: TRACEPARENT,
    r: mesh['X-Mesh-Route'],
    x: mesh['X-Mesh-Span'],
    ra: '10.0.0.9',
    ua: 'curl/8.5.0',
    bi: '120',
    bo: '340',
  }
  const rest = JSON.stringify(fields).slice(1)
  return { token: TOKEN, datagram: Buffer.from(`<190>Nov 23 17:22:43 mesh: ${linePrefix(TOKEN)}${rest}`) }
}
