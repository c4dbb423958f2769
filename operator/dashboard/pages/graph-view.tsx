import { useEffect, useRef, useState } from 'preact/hooks'
import { knownLayout, layOut } from '../data/layout.ts'
import { replaceParams, usePlace } from '../data/place.ts'
import type { Layout } from '../layout-worker.ts'
import type { GraphEdge } from '../model/api-shapes.ts'
import { percent, rate } from '../model/format.ts'
import {
  begun,
  type Direction,
  edgePath,
  FITTED_SCALE,
  fitted,
  NODE_HEIGHT,
  NODE_WIDTH,
  neighbourOf,
  shortName,
  type View,
  zoomed,
} from '../model/graph-geometry.ts'
import { edgeWidth, levelOfEdge, type ShownGraph, type ShownNode } from '../model/graph-view.ts'
import { compareLevels, LEVEL_WORDS } from '../model/severity.ts'
import { to } from '../model/url-state.ts'
import { Glyph, LevelIcon } from '../ui/icon.tsx'

/** More labels than this on edges cover each other; then those of the node that is looked at are shown. */
const MOST_LABELS = 24
const NAME_CHARS = 17

export function GraphView({ shown }: { readonly shown: ShownGraph }) {
  const layout = useLayout(shown)
  if (layout === null)
    return (
      <div class="graph graph-waiting" role="status">
        Laying out the graph
      </div>
    )
  if ('error' in layout) {
    return (
      <div class="empty" role="alert">
        <p>
          <LevelIcon level="bad" /> The graph could not be laid out: {layout.error}
        </p>
        <button type="button" onClick={() => replaceParams({ view: 'table' })}>
          Show it as a table
        </button>
      </div>
    )
  }
  return <Picture shown={shown} layout={layout} />
}

function useLayout(shown: ShownGraph): Layout | { readonly error: string } | null {
  const [layout, setLayout] = useState<Layout | { readonly error: string } | null>(
    knownLayout(shown.key) ?? null,
  )
  useEffect(() => {
    let isWanted = true
    layOut({
      key: shown.key,
      direction: 'LR',
      nodes: shown.nodes.map(({ id }) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
      edges: shown.edges.map(({ source, target }) => [source, target] as const),
    }).then(
      (found) => isWanted && setLayout(found),
      (error: Error) => isWanted && setLayout({ error: error.message }),
    )
    return () => {
      isWanted = false
    }
  }, [shown.key])
  return layout
}

function Picture({ shown, layout }: { readonly shown: ShownGraph; readonly layout: Layout }) {
  const box = useRef<HTMLDivElement>(null)
  const svg = useRef<SVGSVGElement>(null)
  const [view, setView] = useState<View | null>(null)
  const [looked, setLooked] = useState<string | null>(null)
  const [active, setActive] = useState<string | null>(null)
  const drag = useRef<{ x: number; y: number; view: View } | null>(null)

  const fit = () => {
    const element = box.current
    if (element !== null)
      setView(fitted(layout.width, layout.height, element.clientWidth, element.clientHeight))
  }
  const zoom = (factor: number) => {
    const element = box.current
    if (element !== null)
      setView((now) => now && zoomed(now, factor, [element.clientWidth / 2, element.clientHeight / 2]))
  }
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const begin = () => {
      const place = layout.places[shown.focus ?? worstOf(shown)] ?? [0, 0]
      setView(begun([layout.width, layout.height], [element.clientWidth, element.clientHeight], place))
    }
    begin()
    const resize = new ResizeObserver(begin)
    resize.observe(element)
    return () => resize.disconnect()
  }, [layout])

  useEffect(() => {
    const element = box.current
    if (element === null) return
    // Only with a key: the wheel alone goes through the page.
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      const { left, top } = element.getBoundingClientRect()
      const factor = Math.exp(-event.deltaY / 300)
      setView((now) => now && zoomed(now, factor, [event.clientX - left, event.clientY - top]))
    }
    element.addEventListener('wheel', wheel, { passive: false })
    return () => element.removeEventListener('wheel', wheel)
  }, [])

  const first =
    active !== null && layout.places[active] !== undefined ? active : (shown.focus ?? shown.nodes[0]?.id)
  const focusNode = (id: string | null) => {
    if (id === null) return
    setActive(id)
    const found = [...(svg.current?.querySelectorAll<SVGAElement>('a.node') ?? [])].find(
      (each) => each.dataset['id'] === id,
    )
    found?.focus()
    reveal(id)
  }
  /** What the focus goes to is to be seen. */
  const reveal = (id: string) => {
    const [element, place] = [box.current, layout.places[id]]
    if (element === null || place === undefined) return
    setView((now) => {
      if (now === null) return now
      const [x, y] = [place[0] * now.scale + now.x, place[1] * now.scale + now.y]
      const isSeen = x > 90 && y > 30 && x < element.clientWidth - 90 && y < element.clientHeight - 30
      if (isSeen) return now
      return { ...now, x: now.x + element.clientWidth / 2 - x, y: now.y + element.clientHeight / 2 - y }
    })
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key.startsWith('Arrow')) {
      const next = neighbourOf(
        layout.places,
        (event.target as SVGElement).dataset?.['id'] ?? first ?? '',
        event.key as Direction,
      )
      focusNode(next)
    } else if (event.key === '+' || event.key === '=') zoom(1.25)
    else if (event.key === '-') zoom(0.8)
    else if (event.key === '0') fit()
    else if (event.key === 'f' && active !== null) replaceParams({ focus: active, depth: '' })
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const near = looked === null ? null : neighbours(shown.edges, looked)
  const areLabelled = shown.edges.length <= MOST_LABELS
  return (
    <div
      class="graph"
      ref={box}
      style={{ '--tall': `${Math.round(layout.height * FITTED_SCALE + 72)}px` }}
      onPointerDown={(event) => {
        if (event.button !== 0 || view === null) return
        drag.current = { x: event.clientX, y: event.clientY, view }
      }}
      onPointerMove={(event) => {
        const from = drag.current
        if (from === null || event.buttons === 0) return
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y]
        if (Math.abs(dx) + Math.abs(dy) < 4) return
        setView({ ...from.view, x: from.view.x + dx, y: from.view.y + dy })
      }}
      onPointerUp={() => {
        drag.current = null
      }}
      onPointerLeave={() => {
        drag.current = null
      }}
    >
      <svg
        ref={svg}
        role="group"
        aria-label="Graph of services; arrow keys go from one to the next"
        onKeyDown={onKey}
      >
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
        {view !== null && (
          <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
            <g aria-hidden="true">
              {shown.edges.map((edge) => (
                <Edge
                  key={`${edge.source}\n${edge.target}`}
                  edge={edge}
                  layout={layout}
                  isDim={looked !== null && edge.source !== looked && edge.target !== looked}
                  isLabelled={areLabelled || edge.source === looked || edge.target === looked}
                />
              ))}
            </g>
            {shown.nodes.map((node) => (
              <Node
                key={node.id}
                node={node}
                layout={layout}
                isFocus={node.id === shown.focus}
                isDim={near !== null && !near.has(node.id)}
                isReached={node.id === first}
                onLook={setLooked}
                onReach={() => setActive(node.id)}
              />
            ))}
          </g>
        )}
      </svg>
      <div class="graph-tools">
        <button type="button" class="tool" onClick={() => zoom(1.25)} aria-label="Nearer">
          <Glyph name="plus" />
        </button>
        <button type="button" class="tool" onClick={() => zoom(0.8)} aria-label="Farther">
          <Glyph name="minus" />
        </button>
        <button type="button" class="tool" onClick={fit} aria-label="All of it">
          <Glyph name="fit" />
        </button>
      </div>
    </div>
  )
}

/** Where to look first. */
const worstOf = ({ nodes }: ShownGraph): string =>
  [...nodes].sort((left, right) => compareLevels(left.level, right.level))[0]?.id ?? ''

function neighbours(edges: readonly GraphEdge[], of: string): ReadonlySet<string> {
  const found = new Set([of])
  for (const { source, target } of edges) {
    if (source === of) found.add(target)
    if (target === of) found.add(source)
  }
  return found
}

interface NodeProps {
  readonly node: ShownNode
  readonly layout: Layout
  readonly isFocus: boolean
  readonly isDim: boolean
  readonly isReached: boolean
  readonly onLook: (id: string | null) => void
  readonly onReach: () => void
}

function Node({ node, layout, isFocus, isDim, isReached, onLook, onReach }: NodeProps) {
  const place = usePlace()
  const at = layout.places[node.id]
  if (at === undefined) return null
  const isCalled = node.request_rate > 0
  const numbers = isCalled
    ? `${rate(node.request_rate)}/s${node.error_rate > 0 ? ` · ${percent(node.error_rate)} failing` : ''}`
    : node.instance_count === 0
      ? 'not in the catalog'
      : 'no requests'
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
      <text
        x="34"
        y="40"
        class={
          node.error_rate >= 1
            ? `node-numbers node-numbers-${node.error_rate >= 10 ? 'bad' : 'warn'}`
            : 'node-numbers'
        }
      >
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

interface EdgeProps {
  readonly edge: GraphEdge
  readonly layout: Layout
  readonly isDim: boolean
  readonly isLabelled: boolean
}

function Edge({ edge, layout, isDim, isLabelled }: EdgeProps) {
  const [from, target] = [layout.places[edge.source], layout.places[edge.target]]
  if (from === undefined || target === undefined || edge.source === edge.target) return null
  const level = levelOfEdge(edge)
  const { path, middle } = edgePath(from, target, layout.bends[`${edge.source}\n${edge.target}`])
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
        <text x={middle[0]} y={middle[1] - 5} class={`edge-text edge-text-${level}`}>
          {text}
        </text>
      )}
    </g>
  )
}
