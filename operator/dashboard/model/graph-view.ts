/** Which part of the graph is drawn, and as what. Too many nodes to see anything: one service and its neighbours. */

import type { GraphEdge, GraphNode, ServiceGraph } from './api-shapes.ts'
import { compareLevels, judgeService, type Level, levelOfErrors } from './severity.ts'

/** More nodes than this are not drawn at once. */
export const MOST_NODES = 150

export interface ShownNode extends GraphNode {
  readonly level: Level
  readonly why: readonly string[]
  /** Steps from the focus; 0 without one. */
  readonly distance: number
}

export interface ShownGraph {
  readonly nodes: readonly ShownNode[]
  readonly edges: readonly GraphEdge[]
  /** What all is drawn around; null: everything. */
  readonly focus: string | null
  /** Nodes left out. */
  readonly hidden: number
  /** The same while the same is drawn in the same places. */
  readonly key: string
}

export interface GraphQuery {
  readonly focus: string | null
  readonly depth: number
}

export function shownGraph(graph: ServiceGraph, { focus, depth }: GraphQuery): ShownGraph {
  const known = new Set(graph.nodes.map(({ id }) => id))
  const asked = focus !== null && known.has(focus) ? focus : null
  const centre = asked ?? (graph.nodes.length > MOST_NODES ? busiest(graph) : null)
  const distances = centre === null ? null : around(graph.edges, centre, depth)
  const nodes = graph.nodes
    .filter(({ id }) => distances === null || distances.has(id))
    .map((node) => ({ ...node, ...levelOf(node), distance: distances?.get(node.id) ?? 0 }))
    .sort((left, right) => left.distance - right.distance || (left.id < right.id ? -1 : 1))
    .slice(0, MOST_NODES)
  const drawn = new Set(nodes.map(({ id }) => id))
  const edges = graph.edges.filter(({ source, target }) => drawn.has(source) && drawn.has(target))
  return {
    nodes,
    edges,
    focus: centre,
    hidden: graph.nodes.length - nodes.length,
    key: `${nodes.map(({ id }) => id).join('\n')}\n\n${edges.map(({ source, target }) => `${source}\t${target}`).join('\n')}`,
  }
}

/** Breadth first along both directions. */
function around(edges: readonly GraphEdge[], centre: string, depth: number): ReadonlyMap<string, number> {
  const neighbours = new Map<string, string[]>()
  const link = (from: string, target: string) => {
    const list = neighbours.get(from)
    if (list === undefined) neighbours.set(from, [target])
    else list.push(target)
  }
  for (const { source, target } of edges) {
    link(source, target)
    link(target, source)
  }
  const found = new Map([[centre, 0]])
  let ring = [centre]
  for (let step = 1; step <= depth && ring.length > 0; step++) {
    const next: string[] = []
    for (const each of ring) {
      for (const other of neighbours.get(each) ?? []) {
        if (found.has(other)) continue
        found.set(other, step)
        next.push(other)
      }
    }
    ring = next
  }
  return found
}

/** The worst service that has neighbours; of equals the one with most of them. */
function busiest({ nodes, edges }: ServiceGraph): string | null {
  const degree = new Map<string, number>()
  for (const { source, target } of edges) {
    degree.set(source, (degree.get(source) ?? 0) + 1)
    degree.set(target, (degree.get(target) ?? 0) + 1)
  }
  // Each judged once: to compare pairs would judge a thousand of them twenty times over.
  const judged = nodes.map((node) => ({
    id: node.id,
    level: levelOf(node).level,
    links: degree.get(node.id) ?? 0,
  }))
  const isBefore = (left: (typeof judged)[number], right: (typeof judged)[number]): boolean =>
    (Number(right.links > 0) - Number(left.links > 0) ||
      compareLevels(left.level, right.level) ||
      right.links - left.links ||
      (left.id < right.id ? -1 : 1)) < 0
  const first = judged.reduce<(typeof judged)[number] | null>(
    (best, each) => (best === null || isBefore(each, best) ? each : best),
    null,
  )
  return first?.id ?? null
}

/** A node that is no service of the catalog has no instances, but traffic. */
export function levelOf(node: GraphNode): { readonly level: Level; readonly why: readonly string[] } {
  if (node.instance_count === 0)
    return { level: 'unknown', why: ['not in the catalog: only its callers tell of it'] }
  return judgeService({
    service_name: node.id,
    instance_count: node.instance_count,
    healthy_count: node.healthy_count,
    degraded_count: 0,
    unhealthy_count: node.instance_count - node.healthy_count,
    request_rate: node.request_rate,
    error_rate: node.error_rate,
    p50_latency: 0,
    p95_latency: node.p95_latency,
    p99_latency: 0,
    circuit_breakers_open: node.circuit_breakers_open,
    active_connections: 0,
    health_percentage: 0,
  })
}

export function levelOfEdge({ request_rate, error_rate }: GraphEdge): Level {
  const level = levelOfErrors(error_rate)
  return level === 'ok' && request_rate === 0 ? 'idle' : level
}

/** px, by order of magnitude of the requests a second. */
export const edgeWidth = (perSecond: number): number =>
  perSecond <= 0 ? 1 : Math.min(6, 1.25 + Math.log10(1 + perSecond) * 1.4)
