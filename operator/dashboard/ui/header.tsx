import { useEffect, useRef, useState } from 'preact/hooks'
import { token } from '../data/api.ts'
import { useNow } from '../data/clock.ts'
import { streamState } from '../data/event-stream.ts'
import { mesh } from '../data/mesh.ts'
import { replacePlace, usePlace } from '../data/place.ts'
import { useStore } from '../data/store.ts'
import { isDark, themeChanges, toggleTheme } from '../data/theme.ts'
import { span } from '../model/format.ts'
import { isRange, RANGES } from '../model/ranges.ts'
import type { PageName } from '../model/url-state.ts'
import { Glyph, LevelIcon } from './icon.tsx'
import { PageLink } from './links.tsx'
import { SearchBox } from './search-box.tsx'

const NAV: readonly (readonly [page: PageName, label: string])[] = [
  ['overview', 'Overview'],
  ['graph', 'Graph'],
  ['traces', 'Traces'],
  ['changes', 'Changes'],
  ['configuration', 'Configuration'],
  ['overrides', 'Overrides'],
]

export function Header({ onHelp, onToken }: { readonly onHelp: () => void; readonly onToken: () => void }) {
  const place = usePlace()
  const current: PageName =
    place.page === 'trace' ? 'traces' : place.page === 'service' ? 'overview' : place.page
  useStore(themeChanges)
  const hasToken = useStore(token) !== ''
  return (
    <header class="top">
      <div class="top-row">
        <PageLink page="overview" class="brand">
          <Logo />
          <span class="brand-name">kongsul</span>
        </PageLink>
        <SearchBox />
        <div class="top-tools">
          <Freshness />
          <Range />
          <button
            type="button"
            class="tool"
            onClick={onToken}
            aria-label={hasToken ? 'Token is set: change or forget it' : 'Set a token'}
            title={hasToken ? 'Token is set' : 'Set a token'}
          >
            <Glyph name="key" />
            {hasToken && <i class="dot" />}
          </button>
          <button
            type="button"
            class="tool"
            onClick={toggleTheme}
            aria-label={isDark() ? 'Light colours' : 'Dark colours'}
            title={isDark() ? 'Light colours' : 'Dark colours'}
          >
            <Glyph name={isDark() ? 'sun' : 'moon'} />
          </button>
          <button
            type="button"
            class="tool"
            onClick={onHelp}
            aria-label="Help and keys"
            title="Help and keys (?)"
          >
            <Glyph name="help" />
          </button>
        </div>
      </div>
      <Navigation current={current} />
    </header>
  )
}

function Navigation({ current }: { readonly current: PageName }) {
  const nav = useRef<HTMLElement>(null)
  const [isMore, setIsMore] = useState(false)
  useEffect(() => {
    const element = nav.current
    if (element === null) return
    const look = () => setIsMore(element.scrollWidth - element.clientWidth - element.scrollLeft > 8)
    element.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    look()
    element.addEventListener('scroll', look, { passive: true })
    const resize = new ResizeObserver(look)
    resize.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      resize.disconnect()
    }
  }, [current])
  return (
    <nav class={isMore ? 'nav nav-more' : 'nav'} aria-label="Pages" ref={nav}>
      {NAV.map(([page, label]) => (
        <NavLink key={page} page={page} label={label} isCurrent={page === current} />
      ))}
    </nav>
  )
}

function NavLink(props: { readonly page: PageName; readonly label: string; readonly isCurrent: boolean }) {
  const { range } = usePlace()
  const query = range === '15m' ? '' : `?range=${range}`
  return (
    <a href={`#/${props.page}${query}`} aria-current={props.isCurrent ? 'page' : undefined}>
      {props.label}
    </a>
  )
}

function Range() {
  const place = usePlace()
  return (
    <label class="range">
      <span>
        <span class="sr-only">Charts and lists look back over the </span>last
      </span>
      <select
        value={place.range}
        title="How far charts and lists look back. Numbers are of the last minute."
        onChange={(event) => {
          const { value } = event.currentTarget
          if (isRange(value)) replacePlace({ ...place, range: value })
        }}
      >
        {RANGES.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </label>
  )
}

/** How old what is shown is, always to be seen. */
function Freshness() {
  const { atMs, failure } = useStore(mesh.state)
  const stream = useStore(streamState)
  const now = useNow()
  const age = atMs === null ? null : Math.max(0, now - atMs)
  if (failure !== null) {
    return (
      <div class="fresh fresh-bad" role="status">
        <LevelIcon level={failure.kind === 'denied' ? 'warn' : 'bad'} />
        <span>
          <b>
            {failure.kind === 'unreachable'
              ? 'Disconnected'
              : failure.kind === 'denied'
                ? 'No token'
                : 'No answer'}
          </b>
          {age !== null && <span class="fresh-age"> · {span(age)} old</span>}
        </span>
      </div>
    )
  }
  const isLive = stream === 'live'
  return (
    <div class="fresh" title={TITLES[stream]}>
      <LevelIcon level={age === null ? 'unknown' : isLive ? 'ok' : 'warn'} />
      <span>
        <b>{age === null ? 'Connecting' : isLive ? 'Live' : stream === 'paused' ? 'Paused' : 'Polling'}</b>
        {age !== null && (
          <span class="fresh-age">
            {' · '}
            <span class="where-wide">updated </span>
            {span(age)}
            <span class="where-wide"> ago</span>
          </span>
        )}
      </span>
    </div>
  )
}

const TITLES = {
  live: 'Events arrive as they happen',
  connecting: 'The stream of events is being opened',
  polling: 'There is no stream of events: everything is read again every few seconds',
  paused: 'Nothing is read while this tab is hidden',
} as const

function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="logo-back" />
      <path d="M9 9l14 7-14 7z" class="logo-line" />
      <g class="logo-dot">
        <circle cx="9" cy="9" r="3.4" />
        <circle cx="23" cy="16" r="3.4" />
        <circle cx="9" cy="23" r="3.4" />
      </g>
    </svg>
  )
}
