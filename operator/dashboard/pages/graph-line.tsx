import type { Layout } from '../layout-worker.ts'
import type { GraphEdge } from '../model/api-shapes.ts'
import { percent, rate } from '../model/format.ts'
import { edgePath } from '../model/graph-geometry.ts'
import { edgeWidth, levelOfEdge } from '../model/graph-view.ts'

interface GraphEdgeProps {
  readonly edge: GraphEdge
  readonly layout: Layout
  readonly isDim: boolean
  readonly isLabelled: boolean
}

/** A call in the picture: as wide as it is frequent, in the colour of how it goes. */
export function GraphLine({ edge, layout, isDim, isLabelled }: GraphEdgeProps) {
  const [from, target] = [layout.places[edge.source], layout.places[edge.target]]
  if (from === undefined || target === undefined || edge.source === edge.target) return null
  const level = levelOfEdge(edge)
  const { path, middle } = edgePath(
    from,
    target,
    layout.bends[`${edge.source}\n${edge.target}`],
    layout.direction,
  )
  const isDown = layout.direction === 'TB'
  const text =
    edge.request_rate > 0
      ? `${rate(edge.request_rate)}/s${edge.error_rate > 0 ? ` ${percent(edge.error_rate)}` : ''}`
      : ''
  return (
    <g class={isDim ? 'dim' : ''}>
      <path
        class={`edge edge-${level}`}
        d={path}
        stroke-width={edgeWidth(edge.request_rate)}
        marker-end={`url(#arrow-${level})`}
      />
      {isLabelled && text !== '' && (
        <text
          x={middle[0] + (isDown ? 8 : 0)}
          y={middle[1] + (isDown ? 4 : -5)}
          class={`edge-text edge-text-${level}${isDown ? ' edge-text-beside' : ''}`}
        >
          {text}
        </text>
      )}
    </g>
  )
}

/** The heads of all lines, one for each level. */
export function ArrowHeads() {
  return (
    <defs>
      {(['ok', 'warn', 'bad', 'idle'] as const).map((level) => (
        <marker
          key={level}
          id={`arrow-${level}`}
          viewBox="0 0 8 8"
          refX="5"
          refY="4"
          markerWidth="9"
          markerHeight="9"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path class={`arrow-head arrow-${level}`} d="M0 .5 7 4 0 7.5z" />
        </marker>
      ))}
    </defs>
  )
}
