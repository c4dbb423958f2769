import { useEffect, useRef, useState } from 'preact/hooks'
import { Store, useStore } from '../data/store.ts'
import { linePaths, nearest, pointAt, roundTop, steppedTo, timeMarks } from '../model/chart-geometry.ts'
import { clock } from '../model/format.ts'
import type { Series } from '../model/history.ts'

export interface ChartProps {
  readonly label: string
  readonly series: Series
  readonly show: (value: number) => string
  readonly tone: 'rate' | 'errors' | 'latency'
  /** Epoch ms. */
  readonly fromMs: number
  readonly toMs: number
  /** What the axis reaches to at least. */
  readonly least?: number
}

const HEIGHT = 66
const AXIS = 46

/** Where the pointer is, epoch seconds: the same time in all charts. */
const pointed = new Store<number | null>(null)

/** One line over time. What it shows is also told in words, for those who do not see it. */
export function Chart({ label, series, show, tone, fromMs, toMs, least = 1 }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const time = useStore(pointed)
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = () => setWidth(Math.max(40, element.clientWidth - AXIS))
    measure()
    const resize = new ResizeObserver(measure)
    resize.observe(element)
    return () => resize.disconnect()
  }, [])
  const known = series.values.filter((value): value is number => value !== null)
  const last = series.values.at(-1) ?? null
  const top = roundTop(series.values, least)
  const frame = { width, height: HEIGHT, fromMs, toMs, top }
  const { line, area } = linePaths(series, frame)
  const at = time === null ? null : nearest(series, time)
  const [left, down] = at === null ? [0, null] : pointAt(series, at, frame)
  const value = at === null ? last : (series.values[at] ?? null)
  const summary =
    known.length === 0
      ? `${label}: no samples in this range`
      : `${label}: now ${last === null ? 'unknown' : show(last)}, between ${show(Math.min(...known))} and ${show(Math.max(...known))}`
  /** With the keys of a slider from sample to sample, in all charts at once. */
  const onKey = (event: KeyboardEvent) => {
    const next = steppedTo(event.key, at, series.times.length)
    if (next === undefined) return
    pointed.set(next === null ? null : (series.times[next] ?? null))
    event.preventDefault()
  }
  const toldAt = at ?? series.times.length - 1
  const clockAt = (index: number): string =>
    clock(new Date((series.times[index] ?? 0) * 1000).toISOString(), toMs)
  const reading =
    known.length === 0
      ? {}
      : {
          role: 'slider' as const,
          tabIndex: 0,
          'aria-label': summary,
          'aria-readonly': true,
          'aria-valuemin': 0,
          'aria-valuemax': series.times.length - 1,
          'aria-valuenow': toldAt,
          'aria-valuetext': `${clockAt(toldAt)} ${value === null ? 'no sample' : show(value)}`,
          onKeyDown: onKey,
          onBlur: () => pointed.set(null),
        }
  const onMove = (event: PointerEvent) => {
    const from = box.current?.getBoundingClientRect().left ?? 0
    const share = Math.min(1, Math.max(0, (event.clientX - from - AXIS) / Math.max(1, width)))
    pointed.set((fromMs + share * (toMs - fromMs)) / 1000)
  }
  return (
    <figure class={`chart chart-${tone}`}>
      <figcaption>
        <span>{label}</span>
        <span>
          {at !== null && clockAt(at)} <b>{value === null ? '–' : show(value)}</b>
        </span>
      </figcaption>
      <div
        class="chart-plot"
        ref={box}
        {...reading}
        onPointerMove={onMove}
        onPointerLeave={() => pointed.set(null)}
      >
        <svg aria-hidden="true" width="100%" height={HEIGHT + 20}>
          {width > 0 && (
            <g transform={`translate(${AXIS} 4)`}>
              {[0, top / 2, top].map((mark) => {
                const height = HEIGHT - (HEIGHT * mark) / top
                return (
                  <g key={mark}>
                    <path class="chart-grid" d={`M0 ${height}H${width}`} />
                    <text class="chart-mark" x={-7} y={height + 4} text-anchor="end">
                      {show(mark).replace(/\.0(?!\d)/, '')}
                    </text>
                  </g>
                )
              })}
              {timeMarks(frame, new Date(toMs).getTimezoneOffset()).map((mark) => (
                <text
                  key={mark}
                  class="chart-mark"
                  x={(width * (mark - fromMs)) / (toMs - fromMs)}
                  y={HEIGHT + 14}
                  text-anchor="middle"
                >
                  {clock(new Date(mark).toISOString(), toMs).slice(-8, -3)}
                </text>
              ))}
              <path class="chart-area" d={area} />
              <path class="chart-line" d={line} />
              {at !== null && <path class="chart-cursor" d={`M${left} 0V${HEIGHT}`} />}
              {down !== null && <circle class="chart-dot" cx={left} cy={down} r="3.2" />}
            </g>
          )}
        </svg>
        {known.length === 0 && <p class="chart-none">no samples in this range yet</p>}
      </div>
    </figure>
  )
}
