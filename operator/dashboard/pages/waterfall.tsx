import { useMemo, useState } from 'preact/hooks'
import { replaceParams, usePlace } from '../data/place.ts'
import { duration, plural } from '../model/format.ts'
import type { Trace } from '../model/trace-shapes.ts'
import {
  calledInstance,
  type SpanRow,
  serviceColours,
  spanRows,
  ticks,
  workerOf,
} from '../model/waterfall.ts'
import { LevelIcon } from '../ui/icon.tsx'
import { SpanDetails } from './span-details.tsx'

const COLOURS = 6
/** A trace may have thousands of spans: so many rows at first. */
const MOST_ROWS = 300

/** Each span as a bar where it was in time, below the one that made it. */
export function Waterfall({ trace }: { readonly trace: Trace }) {
  const { params } = usePlace()
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set())
  const [most, setMost] = useState(MOST_ROWS)
  const rows = useMemo(() => spanRows(trace, collapsed), [trace, collapsed])
  const colours = useMemo(() => serviceColours(trace.spans, COLOURS), [trace])
  const marks = ticks(trace.total_duration, 5)
  const fold = (id: string, isFolded: boolean) => {
    const next = new Set(collapsed)
    if (isFolded) next.add(id)
    else next.delete(id)
    setCollapsed(next)
  }
  return (
    <div class="waterfall">
      <div class="waterfall-axis" aria-hidden="true">
        {marks.map((mark) => (
          <span key={mark} style={{ left: `${Math.min(100, (100 * mark) / trace.total_duration)}%` }}>
            {duration(mark)}
          </span>
        ))}
      </div>
      <ul class="spans">
        {rows.slice(0, most).map((row) => (
          <SpanItem
            key={row.span.span_id}
            row={row}
            colour={colours.get(workerOf(row.span)) ?? 0}
            isFolded={collapsed.has(row.span.span_id)}
            isOpen={params['span'] === row.span.span_id}
            onFold={(isFolded) => fold(row.span.span_id, isFolded)}
          />
        ))}
      </ul>
      {rows.length > most && (
        <p class="more">
          <button type="button" class="link" onClick={() => setMost(most + 1_000)}>
            Show more of {rows.length} spans
          </button>
        </p>
      )}
    </div>
  )
}

/** Beside the bar where there is room, else in it. */
const TIME_PLACES = {
  right: (left: number, width: number) => ({ left: `${left + width}%` }),
  left: (left: number) => ({ right: `${100 - left}%` }),
  in: (left: number, width: number) => ({ right: `${100 - left - width}%` }),
} as const

interface SpanItemProps {
  readonly row: SpanRow
  readonly colour: number
  readonly isFolded: boolean
  readonly isOpen: boolean
  readonly onFold: (isFolded: boolean) => void
}

function SpanItem({ row, colour, isFolded, isOpen, onFold }: SpanItemProps) {
  const { span, left, width, isCritical, hasChildren, below } = row
  const worker = workerOf(span)
  const side = left + width < 88 ? 'right' : left > 12 ? 'left' : 'in'
  const label = `${span.service} ${span.operation}, ${duration(span.duration)}, begins after ${duration(span.offset)}${span.is_error ? ', error' : ''}${isCritical ? ', on the critical path' : ''}`
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft' && hasChildren) onFold(true)
    else if (event.key === 'ArrowRight') onFold(false)
    else return
    event.preventDefault()
  }
  return (
    <li class={`span${isCritical ? ' span-critical' : ''}${isOpen ? ' span-open' : ''}`}>
      <div class="span-row">
        <div class="span-name" style={{ paddingLeft: `${Math.min(span.depth, 14) * 14}px` }}>
          {hasChildren ? (
            <button
              type="button"
              class="fold"
              aria-expanded={!isFolded}
              aria-label={`${plural(below, 'span')} below ${span.operation}`}
              onClick={() => onFold(!isFolded)}
            >
              {isFolded ? '▸' : '▾'}
            </button>
          ) : (
            <i class="fold" />
          )}
          <button
            type="button"
            class="span-button"
            aria-expanded={isOpen}
            aria-label={label}
            onKeyDown={onKey}
            onClick={() => replaceParams({ span: isOpen ? '' : span.span_id })}
          >
            {span.is_error && <LevelIcon level="bad" size={12} />}
            <b>{worker === span.service ? span.service : `${span.service} → ${worker}`}</b>{' '}
            <span>
              {span.operation} {calledInstance(span)}
            </span>
            {isFolded && <em> +{below}</em>}
          </button>
        </div>
        <div
          class="span-track"
          aria-hidden="true"
          onClick={() => replaceParams({ span: isOpen ? '' : span.span_id })}
        >
          <i
            class={`span-bar span-${colour}${span.is_error ? ' span-error' : ''}`}
            style={{ left: `${left}%`, width: `${width}%` }}
          />
          <span class={`span-time span-time-${side}`} style={TIME_PLACES[side](left, width)}>
            {duration(span.duration)}
          </span>
        </div>
      </div>
      {isOpen && <SpanDetails span={span} isCritical={isCritical} />}
    </li>
  )
}
