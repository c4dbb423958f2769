// The one stream of events of this tab: with the token, from where it broke off, closed while nobody looks.
import { addEvents, type EventLine, eventLine } from '../model/mesh-event.ts'
import { reconnectDelay, sseParser } from '../model/sse.ts'
import { apiUrl, headersNow, token } from './api.ts'
import { refreshAll } from './resource.ts'
import { Store } from './store.ts'

/** `polling`: no stream to be had, pages are read again by the clock. `paused`: the tab is hidden. */
export type StreamState = 'connecting' | 'live' | 'polling' | 'paused'

export const streamState = new Store<StreamState>('connecting')
/** The newest first. */
export const recentEvents = new Store<readonly EventLine[]>([])

const MOST_EVENTS = 200
/** A heartbeat comes every 15 s. */
const SILENCE_MS = 35_000
/** However many events: drawn this often. */
const DRAW_MS = 400

let current: AbortController | null = null
let lastId = ''
let attempt = 0
let retry: ReturnType<typeof setTimeout> | undefined
let waiting: EventLine[] = []
let drawing: ReturnType<typeof setTimeout> | undefined

export function startEvents(): void {
  document.addEventListener('visibilitychange', () => (document.hidden ? pause() : begin()))
  addEventListener('online', () => begin())
  token.listen(begin)
  if (document.hidden) pause()
  else begin()
}

function pause(): void {
  close()
  streamState.set('paused')
}

function begin(): void {
  close()
  attempt = 0
  void follow()
}

function close(): void {
  clearTimeout(retry)
  current?.abort()
  current = null
}

async function follow(): Promise<void> {
  const connection = new AbortController()
  current = connection
  if (streamState.get() !== 'polling') streamState.set('connecting')
  try {
    await read(connection)
  } catch {
    // Whatever it was: it is tried again below, and until then pages are read by the clock.
  }
  if (connection.signal.aborted && current !== connection) return
  if (document.hidden) return
  streamState.set('polling')
  retry = setTimeout(() => void follow(), reconnectDelay(attempt++, Math.random()))
}

/** Ends when the stream does. */
async function read(connection: AbortController): Promise<void> {
  let silence = setTimeout(() => connection.abort(), SILENCE_MS)
  try {
    const response = await fetch(apiUrl('events'), {
      headers: {
        ...headersNow(),
        accept: 'text/event-stream',
        ...(lastId === '' ? {} : { 'last-event-id': lastId }),
      },
      signal: connection.signal,
      cache: 'no-store',
      credentials: 'omit',
    })
    if (!response.ok || response.body === null) throw new Error(`events: ${response.status}`)
    // What happened while there was no stream may be more than what it brings.
    if (streamState.get() === 'polling') refreshAll()
    streamState.set('live')
    attempt = 0
    const parse = sseParser()
    const decoder = new TextDecoder()
    const reader = response.body.getReader()
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      clearTimeout(silence)
      silence = setTimeout(() => connection.abort(), SILENCE_MS)
      for (const { id, kind, data } of parse(decoder.decode(piece.value, { stream: true }))) {
        lastId = id
        const line = eventLine(id, kind, data, Date.now())
        if (line !== null) waiting.push(line)
      }
      if (waiting.length > 0 && drawing === undefined) drawing = setTimeout(draw, DRAW_MS)
    }
  } finally {
    clearTimeout(silence)
  }
}

function draw(): void {
  drawing = undefined
  recentEvents.set(addEvents(recentEvents.get(), waiting.slice(-MOST_EVENTS), MOST_EVENTS))
  waiting = []
  refreshAll()
}
