import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import type { Failure } from '../data/api.ts'
import { useNow } from '../data/clock.ts'
import type { Loaded } from '../data/resource.ts'
import { clock } from '../model/format.ts'
import { LevelIcon } from './icon.tsx'

export interface PanelProps<T> {
  readonly title: string
  /** What stands beside the title: a number, a link. */
  readonly aside?: ComponentChildren
  readonly loaded: Loaded<T>
  readonly retry: () => void
  /** What to say, and to do next, where there is nothing to show; null where there is. */
  readonly empty?: (data: T) => ComponentChildren | null
  /** Something of it is missing: what, and why. */
  readonly partial?: (data: T) => string | null
  readonly class?: string
  readonly children: (data: T) => ComponentChildren
}

/** A part of a page in each of its states: loading, empty, error, stale, partial, and as it should be. */
export function Panel<T>(props: PanelProps<T>) {
  const { title, aside, loaded, retry, empty, partial, children } = props
  const id = useId()
  const { data, failure } = loaded
  const nothing = data === null ? null : (empty?.(data) ?? null)
  const missing = data === null ? null : (partial?.(data) ?? null)
  return (
    <section
      class={`panel ${props.class ?? ''}`}
      aria-labelledby={id}
      aria-busy={data === null && failure === null}
    >
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="panel-aside">{aside}</div>}
      </header>
      {data !== null && failure !== null && <Stale loaded={loaded} retry={retry} />}
      {missing !== null && (
        <p class="note note-warn">
          <LevelIcon level="warn" />
          <span>Not all of it: {missing}</span>
        </p>
      )}
      {data === null && failure === null && <Loading />}
      {data === null && failure !== null && <NoAnswer failure={failure} retry={retry} />}
      {data !== null && (nothing !== null ? <div class="empty">{nothing}</div> : children(data))}
    </section>
  )
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="sr-only">Loading</span>
      <i />
      <i />
      <i />
    </div>
  )
}

/** Nothing to show, and why. */
export function NoAnswer({ failure, retry }: { readonly failure: Failure; readonly retry: () => void }) {
  const isAbsent = failure.kind === 'absent'
  return (
    <div class="empty" role={isAbsent ? undefined : 'alert'}>
      <p>
        <LevelIcon level={isAbsent ? 'unknown' : failure.kind === 'denied' ? 'warn' : 'bad'} />{' '}
        <b>{WORDS[failure.kind]}</b>
      </p>
      <p class="muted">{failure.message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  )
}

const WORDS: Readonly<Record<Failure['kind'], string>> = {
  unreachable: 'Disconnected',
  denied: 'Not allowed without a token',
  absent: 'Not available',
  refused: 'No answer',
}

function Stale<T>({
  loaded: { failure, atMs },
  retry,
}: {
  readonly loaded: Loaded<T>
  readonly retry: () => void
}) {
  const now = useNow()
  return (
    <p class="note note-warn">
      <LevelIcon level="warn" />
      <span>
        Stale: as it was at {atMs === null ? 'an unknown time' : clock(new Date(atMs).toISOString(), now)};{' '}
        {failure?.message}.
      </span>
      <button type="button" class="link" onClick={retry}>
        Try again
      </button>
    </p>
  )
}
