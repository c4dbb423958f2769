// Expressions that several dashboards share. Every operator counts every request: maxima over operators, never sums.
const RATE = '$__rate_interval'

/** Of requests, instance_requests or edge_requests. */
export interface Red {
  readonly what: 'request' | 'instance_request' | 'edge_request'
  readonly by: readonly string[]
  /** Matchers, without braces. */
  readonly where: string
}

const overOperators = ({ by }: Red, metric: string): string =>
  `max by (${by.join(', ')}) (sum by (${[...by, 'operator'].join(', ')}) (rate(${metric}[${RATE}])))`

export const requestRate = (red: Red): string =>
  overOperators(red, `mesh_${red.what}_duration_seconds_count{${red.where}}`)

/** No requests: no sample, and so no NaN. */
export const errorRatio = (red: Red): string =>
  `${overOperators(red, `mesh_${red.what}_failures_total{${red.where}}`)} / (${requestRate(red)} > 0)`

export const quantile = (q: number, red: Red): string =>
  `histogram_quantile(${q}, max by (${[...red.by, 'le'].join(', ')}) (rate(mesh_${red.what}_duration_seconds_bucket{${red.where}}[${RATE}])))`

export const perSecond = (metric: string, by: readonly string[]): string =>
  `sum by (${by.join(', ')}) (rate(${metric}[${RATE}]))`
