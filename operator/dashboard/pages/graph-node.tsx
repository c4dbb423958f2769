import { usePlace } from '../data/place.ts'
import type { Layout } from '../layout-worker.ts'
import { percent, rate } from '../model/format.ts'
import { NODE_HEIGHT, NODE_WIDTH, shortName } from '../model/graph-geometry.ts'
import type { ShownNode } from '../model/graph-view.ts'
import { LEVEL_WORDS, levelOfErrors } from '../model/severity.ts'
import { to } from '../model/url-state.ts'
import { LevelIcon } from '../ui/icon.tsx'

const NAME_CHARS = 17

interface GraphNodeProps {
  readonly node: ShownNode
  readonly layout: Layout
  readonly isFocus: boolean
  readonly isDim: boolean
  readonly isReached: boolean
  readonly onLook: (id: string | null) => void
  readonly onReach: () => void
}

/** A service in the picture: its state, how many of its instances are healthy, and its traffic. */
export function GraphNode({ node, layout, isFocus, isDim, isReached, onLook, onReach }: GraphNodeProps) {
  const place = usePlace()
  const at = layout.places[node.id]
  if (at === undefined) return null
  const isCalled = node.request_rate > 0
  const numbers = isCalled
    ? `${rate(node.request_rate)}/s${node.error_rate > 0 ? ` · ${percent(node.error_rate)} failing` : ''}`
    : node.instance_count === 0
      ? 'not in the catalog'
      : 'no requests'
  const failing = levelOfErrors(node.error_rate)
  const name = shortName(node.id, NAME_CHARS)
  const counts = node.instance_count > 0 ? `${node.healthy_count}/${node.instance_count}` : ''
  const told = [LEVEL_WORDS[node.level], ...node.why, ...(name === node.id ? [] : [node.id])].join(', ')
  return (
    <a
      {...({ transform: `translate(${at[0] - NODE_WIDTH / 2} ${at[1] - NODE_HEIGHT / 2})` } as object)}
      class={`node node-${node.level}${isFocus ? ' node-focus' : ''}${isDim ? ' dim' : ''}`}
      href={to(place, 'service', node.id)}
      data-id={node.id}
      draggable={false}
      tabIndex={isReached ? 0 : -1}
      onMouseEnter={() => onLook(node.id)}
      onMouseLeave={() => onLook(null)}
      onFocus={() => {
        onLook(node.id)
        onReach()
      }}
      onBlur={() => onLook(null)}
    >
      <desc>{told}</desc>
      <rect class="node-box" width={NODE_WIDTH} height={NODE_HEIGHT} rx="8" />
      <g transform="translate(12 11)">
        <LevelIcon level={node.level} size={15} />
      </g>
      <text x="34" y="23" class="node-name">
        {name}
      </text>{' '}
      <text x="34" y="40" class={failing === 'ok' ? 'node-numbers' : `node-numbers node-numbers-${failing}`}>
        {numbers}
      </text>{' '}
      {node.instance_count > 0 && (
        <text x={NODE_WIDTH - 11} y="23" class="node-count">
          {counts}
        </text>
      )}
    </a>
  )
}
