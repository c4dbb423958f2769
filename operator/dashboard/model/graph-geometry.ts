/** Lines between nodes, and from which node to which an arrow key goes. Pure. */

export const NODE_WIDTH = 172
export const NODE_HEIGHT = 52

export type Point = readonly [x: number, y: number]

/** Callees to the right of their callers, or below them. */
export type Flow = 'LR' | 'TB'

/**
 * From the side of the caller that faces its callees to the facing side of the callee; back around where that lies behind.
 * @param bends where it passes between others, in order
 */
export function edgePath(
  caller: Point,
  callee: Point,
  bends: readonly Point[] = [],
  flow: Flow = 'LR',
): { readonly path: string; readonly middle: Point } {
  const isDown = flow === 'TB'
  // Drawn as if to the right, and turned at the end.
  const turned = ([x, y]: Point): Point => (isDown ? [y, x] : [x, y])
  const [along, across] = turned([NODE_WIDTH, NODE_HEIGHT])
  const [x1, y1] = turned(caller)
  const [x2, y2] = turned(callee)
  const from: Point = [x1 + along / 2, y1]
  const to: Point = [x2 - along / 2 - 5, y2]
  const isBack = to[0] <= from[0]
  const reach = isBack ? 70 : Math.max(28, (to[0] - from[0]) / 2)
  const lift = isBack ? across : 0
  const inner = isBack ? [] : bends.map(turned).filter(([x]) => x > from[0] && x < to[0])
  const pieces =
    inner.length > 0
      ? level([from, ...inner, to])
      : [[from, [from[0] + reach, from[1] + lift], [to[0] - reach, to[1] + lift], to] as const]
  const middle: Point =
    inner.length > 0
      ? inner[Math.floor((inner.length - 1) / 2)]!
      : [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2 + lift * 0.75]
  const curves = pieces.map(([, ...curve]) => `C${curve.map((point) => at(turned(point))).join(' ')}`)
  return { path: `M${at(turned(from))}${curves.join('')}`, middle: turned(middle) }
}

/** Level at each point, so that the pieces fit together. */
function level(points: readonly Point[]): readonly (readonly [Point, Point, Point, Point])[] {
  return points.slice(1).map((point, index) => {
    const before = points[index]!
    const half = (point[0] - before[0]) / 2
    return [before, [before[0] + half, before[1]], [point[0] - half, point[1]], point] as const
  })
}

const at = ([x, y]: Point): string => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`

export type Direction = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/** The nearest node that way; what is far off to the side counts as farther. null: there is none. */
export function neighbourOf(
  places: Readonly<Record<string, Point>>,
  from: string,
  direction: Direction,
): string | null {
  const start = places[from]
  if (start === undefined) return Object.keys(places)[0] ?? null
  let best: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const [id, [x, y]] of Object.entries(places)) {
    if (id === from) continue
    const [dx, dy] = [x - start[0], y - start[1]]
    const [along, aside] = ALONG[direction](dx, dy)
    if (along <= 1) continue
    const cost = along + 2.5 * Math.abs(aside)
    if (cost < least) [best, least] = [id, cost]
  }
  return best
}

const ALONG: Readonly<Record<Direction, (dx: number, dy: number) => Point>> = {
  ArrowLeft: (dx, dy) => [-dx, dy],
  ArrowRight: (dx, dy) => [dx, dy],
  ArrowUp: (dx, dy) => [-dy, dx],
  ArrowDown: (dx, dy) => [dy, dx],
}

export interface View {
  /** Of the upper left corner, px of the picture. */
  readonly x: number
  readonly y: number
  readonly scale: number
}

export const LEAST_SCALE = 0.15
export const MOST_SCALE = 2.5
const FITTED_SCALE = 1.3
/** Below it a name is smaller than 9 px. */
const LEAST_READABLE = 0.68

/** All of it in the middle, hardly larger than life. */
export function fitted(width: number, height: number, boxWidth: number, boxHeight: number): View {
  const scale = Math.min(FITTED_SCALE, Math.max(LEAST_SCALE, Math.min(boxWidth / width, boxHeight / height)))
  return { x: (boxWidth - width * scale) / 2, y: (boxHeight - height * scale) / 2, scale }
}

/** Where to begin: all of it, or where names cannot be read then, near to one place. */
export function begun([width, height]: Point, [boxWidth, boxHeight]: Point, [x, y]: Point): View {
  const whole = fitted(width, height, boxWidth, boxHeight)
  if (whole.scale >= LEAST_READABLE) return whole
  const scale = LEAST_READABLE
  const within = (middle: number, size: number, box: number) =>
    size * scale <= box
      ? (box - size * scale) / 2
      : Math.min(0, Math.max(box - size * scale, box / 2 - middle * scale))
  return { x: within(x, width, boxWidth), y: within(y, height, boxHeight), scale }
}

/** Nearer or farther, with one point staying where it is. */
export function zoomed(view: View, factor: number, [px, py]: Point): View {
  const scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, view.scale * factor))
  const ratio = scale / view.scale
  return { x: px - (px - view.x) * ratio, y: py - (py - view.y) * ratio, scale }
}

/** Cut in the middle, since both ends of a long name tell it from others. */
export function shortName(name: string, most: number): string {
  if (name.length <= most) return name
  const head = Math.ceil((most - 1) / 2)
  return `${name.slice(0, head)}…${name.slice(name.length - (most - 1 - head))}`
}
