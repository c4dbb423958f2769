/** `GET /metrics` as Kong's plugin prometheus answers it for the node itself (kong/plugins/prometheus/exporter.lua). */

export interface NodeFacts {
  readonly nodeId: string
  readonly version: string
  /** Requests that the proxy has ended. */
  readonly requests: number
}

export function nodeMetrics({ nodeId, version, requests }: NodeFacts): string {
  const node = `node_id="${nodeId}"`
  return `# HELP kong_datastore_reachable Datastore reachable from Kong, 0 is unreachable
# TYPE kong_datastore_reachable gauge
kong_datastore_reachable 1
# HELP kong_nginx_requests_total Total number of requests
# TYPE kong_nginx_requests_total gauge
kong_nginx_requests_total{${node},subsystem="http"} ${requests}
# HELP kong_node_info Kong Node metadata information
# TYPE kong_node_info gauge
kong_node_info{${node},version="${version}"} 1
`
}
