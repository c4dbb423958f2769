import { useEffect, useRef, useState } from 'preact/hooks'
import { knownLayout, layOut } from '../data/layout.ts'
import { isNarrow } from '../data/narrow.ts'
import { replaceParams } from '../data/place.ts'
import { useStore } from '../data/store.ts'
import type { Layout } from '../layout-worker.ts'
import type { GraphEdge } from '../model/api-shapes.ts'
import { type Direction, type Flow, NODE_HEIGHT, NODE_WIDTH, neighbourOf } from '../model/graph-geometry.ts'
import type { ShownGraph } from '../model/graph-view.ts'
import { compareLevels } from '../model/severity.ts'
import { Glyph, LevelIcon } from '../ui/icon.tsx'
import { ArrowHeads, GraphLine } from './graph-line.tsx'
import { GraphNode } from './graph-node.tsx'
import { useView } from './use-view.ts'

/** More labels than this on edges cover each other; then those of the node that is looked at are shown. */
const MOST_LABELS = 24

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
  const narrow = useStore(isNarrow)
  const [layout, setLayout] = useState<Layout | { readonly error: string } | null>(
    narrow ? null : (knownLayout(keyOf(shown, 'LR')) ?? null),
  )
  useEffect(() => {
    let isWanted = true
    laidOut(shown, narrow).then(
      (found) => isWanted && setLayout(found),
      (error: Error) => isWanted && setLayout({ error: error.message }),
    )
    return () => {
      isWanted = false
    }
  }, [shown.key, narrow])
  return layout
}

const keyOf = ({ key }: ShownGraph, direction: Flow): string => `${direction} ${key}`

/** From left to right; on a phone from top to bottom, unless it would be wider than high. */
async function laidOut(shown: ShownGraph, narrow: boolean): Promise<Layout> {
  const towards = (direction: Flow) =>
    layOut({
      key: keyOf(shown, direction),
      direction,
      nodes: shown.nodes.map(({ id }) => ({ id, width: NODE_WIDTH, height: NODE_HEIGHT })),
      edges: shown.edges.map(({ source, target }) => [source, target] as const),
    })
  if (!narrow) return await towards('LR')
  const down = await towards('TB')
  return down.width > down.height ? await towards('LR') : down
}

function Picture({ shown, layout }: { readonly shown: ShownGraph; readonly layout: Layout }) {
  const box = useRef<HTMLDivElement>(null)
  const { view, fit, zoom, reveal, dragging } = useView(box, layout, shown.focus ?? worstOf(shown))
  const svg = useRef<SVGSVGElement>(null)
  const [looked, setLooked] = useState<string | null>(null)
  const [active, setActive] = useState<string | null>(null)
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
    <div class="graph" ref={box} {...dragging}>
      <svg
        ref={svg}
        role="group"
        aria-label="Graph of services; arrow keys go from one to the next"
        onKeyDown={onKey}
      >
        <ArrowHeads />
        {view !== null && (
          <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
            <g aria-hidden="true">
              {shown.edges.map((edge) => (
                <GraphLine
                  key={`${edge.source}\n${edge.target}`}
                  edge={edge}
                  layout={layout}
                  isDim={looked !== null && edge.source !== looked && edge.target !== looked}
                  isLabelled={areLabelled || edge.source === looked || edge.target === looked}
                />
              ))}
            </g>
            {shown.nodes.map((node) => (
              <GraphNode
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
