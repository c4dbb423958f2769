/** Addresses in other systems' own pages. null where they are not told of, and nothing can be linked to. */

import type { Status } from './api-shapes.ts'

type Links = Status['links']

/** The service in Consul's UI; its start page where the data centre is not known. */
export const consulLink = ({ url, datacenter }: Status['consul'], service: string): string =>
  datacenter === null
    ? `${url}/ui/`
    : `${url}/ui/${encodeURIComponent(datacenter)}/services/${encodeURIComponent(service)}`

/** Health of the service's upstream, at the first Kong. */
export const kongLink = ({ url }: Status['kong'], service: string): string =>
  `${url.split(',')[0]!.trim()}/upstreams/${encodeURIComponent(`${service}.mesh`)}/health`

/** Dashboards of kong/grafana/. @param service null: the whole mesh */
export function grafanaLink({ grafana }: Links, service: string | null): string | null {
  if (grafana === null) return null
  return service === null
    ? below(grafana, 'd/kongsul-mesh')
    : below(grafana, `d/kongsul-service?var-service=${encodeURIComponent(service)}`)
}

/** Requests a second by class of status. @param service null: the whole mesh */
export function prometheusLink({ prometheus }: Links, service: string | null): string | null {
  if (prometheus === null) return null
  // As PromQL has texts: a backslash and a quote are escaped.
  const where = service === null ? '' : `{service=${JSON.stringify(service)}}`
  const expression = `sum by (${service === null ? 'service' : 'status'}) (rate(mesh_requests_total${where}[1m]))`
  return below(prometheus, `graph?g0.expr=${encodeURIComponent(expression)}&g0.tab=0&g0.range_input=1h`)
}

/** @param traceId null: its search */
export const jaegerLink = ({ jaeger }: Links, traceId: string | null): string | null =>
  jaeger === null ? null : below(jaeger, traceId === null ? 'search' : `trace/${encodeURIComponent(traceId)}`)

const below = (base: string, path: string): string => `${base.replace(/\/+$/, '')}/${path}`
