// Where nodes of the graph stand. In a worker: hundreds of nodes take longer than a frame.
import dagre from '@dagrejs/dagre'
import type { Flow } from './model/graph-geometry.ts'

export interface LayoutQuestion {
  readonly key: string
  readonly nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[]
  readonly edges: readonly (readonly [source: string, target: string])[]
  readonly direction: Flow
}

export interface Layout {
  readonly key: string
  readonly direction: Flow
  readonly width: number
  readonly height: number
  /** Middles, px. */
  readonly places: Readonly<Record<string, readonly [x: number, y: number]>>
  /** Where calls go through between others, by `source\ntarget`; without their ends. */
  readonly bends: Readonly<Record<string, readonly (readonly [x: number, y: number])[]>>
}

export type LayoutAnswer = Layout | { readonly key: string; readonly error: string }

/** Spaces between columns and rows, px. */
const RANK_SEP = 90
const NODE_SEP = 22
const MARGIN = 24

function layout({ key, nodes, edges, direction }: LayoutQuestion): Layout {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({
    rankdir: direction,
    ranksep: RANK_SEP,
    nodesep: NODE_SEP,
    marginx: MARGIN,
    marginy: MARGIN,
  })
  graph.setDefaultEdgeLabel(() => ({}))
  const linked = new Set(edges.flat())
  const alone = nodes.filter(({ id }) => !linked.has(id))
  for (const { id, width, height } of nodes) if (linked.has(id)) graph.setNode(id, { width, height })
  for (const [source, target] of edges) if (source !== target) graph.setEdge(source, target)
  if (graph.nodeCount() > 0) dagre.layout(graph)
  const box = graph.nodeCount() > 0 ? graph.graph() : {}
  const places: Record<string, readonly [number, number]> = {}
  for (const id of graph.nodes()) {
    const { x, y } = graph.node(id)
    places[id] = [Math.round(x), Math.round(y)]
  }
  const bends: Record<string, (readonly [number, number])[]> = {}
  for (const edge of graph.edges()) {
    const points: readonly { x: number; y: number }[] = graph.edge(edge).points ?? []
    const inner = points.slice(1, -1).map(({ x, y }) => [Math.round(x), Math.round(y)] as const)
    bends[`${edge.v}\n${edge.w}`] = inner.length > 1 ? inner : []
  }
  // Those that nobody calls stand in rows below.
  const abreast = Math.min(alone.length, direction === 'TB' ? 2 : 5)
  const width = Math.max(box.width ?? 0, abreast > 0 ? abreast * 190 + 2 * MARGIN : 0)
  const perRow = Math.max(1, Math.floor((width - 2 * MARGIN) / 190))
  const top = box.height ?? MARGIN
  alone.forEach(({ id, width: own, height }, index) => {
    places[id] = [
      MARGIN + own / 2 + (index % perRow) * 190,
      top + height / 2 + Math.floor(index / perRow) * (height + NODE_SEP),
    ]
  })
  const rows = Math.ceil(alone.length / perRow)
  const height = top + (rows > 0 ? rows * ((alone[0]?.height ?? 0) + NODE_SEP) + MARGIN : 0)
  return { key, direction, width, height, places, bends }
}

addEventListener('message', ({ data }: MessageEvent<LayoutQuestion>) => {
  let answer: LayoutAnswer
  try {
    answer = layout(data)
  } catch (error) {
    answer = { key: data.key, error: (error as Error).message }
  }
  postMessage(answer)
})
