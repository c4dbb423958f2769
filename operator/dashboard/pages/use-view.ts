// The part of a picture that is seen: dragged, brought nearer, fitted into its box.
import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Layout } from '../layout-worker.ts'
import { begun, fitted, type View, zoomed } from '../model/graph-geometry.ts'

/** @param first where to begin, if not all can be read at once */
export function useView(box: RefObject<HTMLDivElement>, layout: Layout, first: string) {
  const [view, setView] = useState<View | null>(null)
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
      const place = layout.places[first] ?? [0, 0]
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
  const dragging = {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0 || view === null) return
      drag.current = { x: event.clientX, y: event.clientY, view }
    },
    onPointerMove: (event: PointerEvent) => {
      const from = drag.current
      if (from === null || event.buttons === 0) return
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y]
      if (Math.abs(dx) + Math.abs(dy) < 4) return
      setView({ ...from.view, x: from.view.x + dx, y: from.view.y + dy })
    },
    onPointerUp: () => {
      drag.current = null
    },
    onPointerLeave: () => {
      drag.current = null
    },
  }
  return { view, fit, zoom, reveal, dragging }
}
