import { useMemo } from 'preact/hooks'
import { useNow } from '../data/clock.ts'
import { recentEvents } from '../data/event-stream.ts'
import { type Mesh, mesh } from '../data/mesh.ts'
import { usePlace } from '../data/place.ts'
import { type Loaded, useResource, useShared } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import type { Change, Circuit, Status } from '../model/api-shapes.ts'
import { ago, count, duration, percent, rate } from '../model/format.ts'
import { seriesOf } from '../model/history.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { LEVEL_WORDS, type Level } from '../model/severity.ts'
import { meshVerdict, type Trouble, wrongNow } from '../model/wrong-now.ts'
import { Chart } from '../ui/chart.tsx'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, PageLink, ServiceLink } from '../ui/links.tsx'
import { NoAnswer, Panel } from '../ui/panel.tsx'
import { ServiceTable } from './service-table.tsx'

export const STATUS = 'status?services=false'
const OPEN_CIRCUITS = 'circuits?open=true'

export function Overview() {
  const [loaded, retry] = useShared(mesh)
  const [status, retryStatus] = useResource<Status>(STATUS)
  const { data, failure } = loaded
  const isOpen = (data?.mesh_metrics.circuit_breakers_open ?? 0) > 0
  const [circuits] = useResource<{ circuits: readonly Circuit[] }>(isOpen ? OPEN_CIRCUITS : null)
  const troubles = useMemo(
    () => wrongNow(data?.alerts ?? [], status.data, isOpen ? (circuits.data?.circuits ?? []) : []),
    [data?.alerts, status.data, circuits.data, isOpen],
  )
  if (data === null && failure !== null) {
    return (
      <section class="panel">
        <NoAnswer failure={failure} retry={retry} />
      </section>
    )
  }
  return (
    <>
      <Banner data={data} troubles={troubles} />
      <Tiles data={data} />
      <div class="columns">
        <div>
          <WrongNow loaded={loaded} retry={retry} troubles={troubles} status={status} />
          <ServiceTable loaded={loaded} retry={retry} />
        </div>
        <div>
          <History loaded={loaded} retry={retry} />
          <Happening />
          <Parts status={status} retry={retryStatus} />
        </div>
      </div>
    </>
  )
}

function Banner({ data, troubles }: { readonly data: Mesh | null; readonly troubles: readonly Trouble[] }) {
  const verdict = data === null ? null : meshVerdict(data, troubles)
  const level: Level = verdict?.level ?? 'unknown'
  return (
    <div class={`banner banner-${level}`}>
      <LevelIcon level={level} size={30} />
      <div>
        <h1>{verdict === null ? 'Reading the mesh' : HEADLINES[level]}</h1>
        <p>{verdict?.sentence ?? 'Waiting for the first answer of the operator'}</p>
      </div>
    </div>
  )
}

const HEADLINES: Readonly<Record<Level, string>> = {
  bad: 'Something is failing',
  warn: 'The mesh is degraded',
  unknown: 'Nothing to judge',
  idle: 'The mesh is idle',
  ok: 'The mesh is healthy',
}

function Tiles({ data }: { readonly data: Mesh | null }) {
  const numbers = data?.mesh_metrics
  const out = numbers === undefined ? 0 : numbers.total_instances - numbers.healthy_instances
  const failing = numbers === undefined ? 0 : 100 - numbers.success_rate
  const isCalled = data?.isMeasured === true && (numbers?.request_rate ?? 0) > 0
  const judged = [...(data?.rows.values() ?? [])].filter(
    ({ verdict }) => verdict.level === 'bad' || verdict.level === 'warn',
  )
  const circuits = numbers?.circuit_breakers_open ?? 0
  const none = data !== null && !data.isMeasured ? 'not measured here' : 'no request in the last minute'
  return (
    <dl class="tiles" aria-label="The mesh in numbers, of the last minute">
      <Tile
        label="Services"
        isCalm
        value={count(numbers?.total_services)}
        note={judged.length === 0 ? 'none in trouble' : `${judged.length} in trouble`}
        level={
          judged.some(({ verdict }) => verdict.level === 'bad')
            ? 'bad'
            : judged.length > 0
              ? 'warn'
              : undefined
        }
      />
      <Tile
        label="Instances healthy"
        value={numbers === undefined ? '–' : `${count(numbers.healthy_instances)}`}
        of={numbers === undefined ? undefined : `/ ${count(numbers.total_instances)}`}
        note={out === 0 ? 'all of them' : `${out} out or degraded`}
        level={out > 0 ? 'warn' : undefined}
      />
      <Tile
        label="Requests"
        value={isCalled ? rate(numbers?.request_rate) : '–'}
        of={isCalled ? '/s' : undefined}
        note={isCalled ? `${count(numbers?.total_requests)} in all` : none}
      />
      <Tile
        label="Failing"
        value={isCalled ? percent(failing) : '–'}
        note={isCalled ? `${count(numbers?.failed_requests)} in all` : none}
        level={isCalled && failing >= 10 ? 'bad' : isCalled && failing >= 1 ? 'warn' : undefined}
      />
      <Tile
        label="Mean latency"
        value={isCalled ? duration(numbers?.avg_latency) : '–'}
        note={isCalled ? 'of all requests' : none}
      />
      <Tile
        label="Circuits open"
        value={count(numbers?.circuit_breakers_open)}
        note={circuits === 0 ? 'all let requests pass' : 'requests are turned away'}
        level={circuits > 0 ? 'warn' : undefined}
      />
    </dl>
  )
}

function Tile(props: {
  readonly label: string
  readonly value: string
  readonly of?: string | undefined
  readonly note: string
  readonly level?: Level | undefined
  /** It is the note that is not as it should be. */
  readonly isCalm?: boolean
}) {
  const { label, value, of, note, level, isCalm } = props
  return (
    <div class={level === undefined ? 'tile' : `tile tile-${level}`}>
      <dt>{label}</dt>
      <dd>
        <b class={isCalm ? 'tile-calm' : ''}>{value}</b>
        {of !== undefined && <span class="tile-of">{of}</span>}
        <span class="tile-note">
          {level !== undefined && <LevelIcon level={level} size={11} />}
          {note}
        </span>
      </dd>
    </div>
  )
}

function WrongNow({
  loaded,
  retry,
  troubles,
  status,
}: {
  readonly loaded: Loaded<Mesh>
  readonly retry: () => void
  readonly troubles: readonly Trouble[]
  readonly status: Loaded<Status>
}) {
  const now = useNow()
  const shown = troubles.slice(0, MOST_TROUBLES)
  return (
    <Panel
      title="Wrong now"
      aside={troubles.length > 0 ? <span class="count">{troubles.length}</span> : undefined}
      loaded={loaded}
      retry={retry}
      partial={(data) =>
        data.isMeasured
          ? status.data === null && status.failure !== null
            ? `problems of the operator are not known (${status.failure.message})`
            : null
          : 'this operator judges no alerts and counts no requests; what is listed comes from its status'
      }
      empty={() =>
        troubles.length === 0 ? (
          <p>
            <LevelIcon level="ok" /> Nothing: no alert fires, and the operator reports no problem.
          </p>
        ) : null
      }
    >
      {() => (
        <>
          <ul class="troubles">
            {shown.map((trouble) => (
              <li key={trouble.id} class={trouble.isSilenced || trouble.isPending ? 'quiet' : ''}>
                <State level={trouble.level} text={trouble.level === 'bad' ? 'Critical' : 'Warning'} />
                <div>
                  <p>
                    {trouble.service !== null && trouble.service !== '*' && (
                      <ServiceLink name={trouble.service} />
                    )}
                    {trouble.service === '*' && <b>the whole mesh</b>}
                    {trouble.service === null && <b>mesh</b>} {trouble.message}
                  </p>
                  {trouble.why.map((each) => (
                    <p key={each}>{each}</p>
                  ))}
                  <p class="muted">
                    {trouble.name}
                    {trouble.since !== null && ` · for ${ago(trouble.since, now).replace(' ago', '')}`}
                    {trouble.isPending && ' · not for long enough to fire'}
                    {trouble.isSilenced && ' · silenced'}
                  </p>
                </div>
              </li>
            ))}
          </ul>
          {troubles.length > shown.length && (
            <p class="muted more">
              and {troubles.length - shown.length} more; the table below has every service, the worst first
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

const MOST_TROUBLES = 12

function History({ loaded, retry }: { readonly loaded: Loaded<Mesh>; readonly retry: () => void }) {
  const { range } = usePlace()
  const { data } = loaded
  const toMs = loaded.atMs ?? 0
  const fromMs = toMs - rangeMs(range)
  const samples = data?.metrics_history
  const series = useMemo(() => {
    const all = samples ?? []
    return {
      rate: seriesOf(all, (sample) => sample.request_rate, fromMs),
      errors: seriesOf(all, (sample) => (sample.request_rate > 0 ? 100 - sample.success_rate : null), fromMs),
      latency: seriesOf(all, (sample) => (sample.request_rate > 0 ? sample.avg_latency : null), fromMs),
    }
  }, [samples, fromMs])
  return (
    <Panel
      title={`Last ${rangeLabel(range)}`}
      aside={<span class="muted">a sample every 10 s</span>}
      loaded={loaded}
      retry={retry}
      empty={(mesh) =>
        mesh.isMeasured ? null : (
          <>
            <p>
              <LevelIcon level="unknown" /> <b>Not available</b>
            </p>
            <p class="muted">This operator keeps no history of requests.</p>
          </>
        )
      }
    >
      {() => (
        <div class="charts">
          <Chart
            label="Requests a second"
            series={series.rate}
            show={(value) => `${rate(value)}/s`}
            tone="rate"
            fromMs={fromMs}
            toMs={toMs}
          />
          <Chart
            label="Failing"
            series={series.errors}
            show={percent}
            tone="errors"
            fromMs={fromMs}
            toMs={toMs}
            least={5}
          />
          <Chart
            label="Mean latency"
            series={series.latency}
            show={duration}
            tone="latency"
            fromMs={fromMs}
            toMs={toMs}
            least={10}
          />
        </div>
      )}
    </Panel>
  )
}

/** The systems that the mesh is made of. */
function Parts({ status, retry }: { readonly status: Loaded<Status>; readonly retry: () => void }) {
  const now = useNow()
  return (
    <Panel title="Parts" loaded={status} retry={retry}>
      {(data) => (
        <dl class="facts">
          <div>
            <dt>Consul</dt>
            <dd>
              <State
                level={data.consul.connected ? 'ok' : 'bad'}
                text={data.consul.connected ? 'Connected' : 'Lost'}
              />
              <OutLink href={`${data.consul.url}/ui/`}>{shortUrl(data.consul.url)}</OutLink>
            </dd>
          </div>
          <div>
            <dt>Kong {data.kong.version ?? ''}</dt>
            <dd>
              <State
                level={data.kong.connected ? 'ok' : 'bad'}
                text={data.kong.connected ? 'Connected' : 'Lost'}
              />
              {data.kong.url.split(',').map((url) => (
                <OutLink key={url} href={url.trim()}>
                  {shortUrl(url.trim())}
                </OutLink>
              ))}
            </dd>
          </div>
          <div>
            <dt>Operator</dt>
            <dd>
              <State
                level={data.leading ? 'ok' : data.leader === null ? 'warn' : 'idle'}
                text={
                  data.dry_run
                    ? 'Dry run'
                    : data.leading
                      ? 'Leading'
                      : data.leader === null
                        ? 'No leader'
                        : 'Following'
                }
              />
              <span class="name muted">{data.leader?.id ?? ''}</span>
            </dd>
          </div>
          <div>
            <dt>In step</dt>
            <dd>
              <span>
                {data.lag === null
                  ? 'nothing changed yet'
                  : `${duration(data.lag.p95)} from Consul to Kong (p95)`}
              </span>
              <span class="muted">last written {ago(data.last_sync, now)}</span>
            </dd>
          </div>
        </dl>
      )}
    </Panel>
  )
}

const shortUrl = (url: string): string => url.replace(/^https?:\/\//, '').replace(/\/$/, '')

/** Events of this tab's stream; what the operator did before, until there are some. */
function Happening() {
  const events = useStore(recentEvents)
  const [changes, retry] = useResource<{ changes: readonly Change[] }>('changes?limit=8', 15_000)
  const now = useNow()
  return (
    <Panel
      title="Happening"
      aside={<PageLink page="changes">All changes</PageLink>}
      loaded={changes}
      retry={retry}
      empty={({ changes: list }) =>
        events.length === 0 && list.length === 0 ? (
          <p class="muted">Nothing yet. Register an instance in Consul, and it is seen here.</p>
        ) : null
      }
    >
      {({ changes: list }) => (
        <ul class="happening">
          {events.slice(0, MOST_EVENTS).map((event) => (
            <li key={event.id}>
              <LevelIcon level={event.level} size={12} />
              <p>
                {event.service !== null && <ServiceLink name={event.service} />} {event.text}
              </p>
              <time>{ago(event.atMs, now)}</time>
            </li>
          ))}
          {events.length < 4 &&
            list
              .filter(
                ({ time }) =>
                  !events.some((event) => event.kind === 'reconcile' && event.atMs >= Date.parse(time)),
              )
              .slice(0, MOST_EVENTS - events.length)
              .map((change) => (
                <li key={`change-${change.id}`}>
                  <LevelIcon level={change.result === 'applied' ? 'ok' : 'bad'} size={12} />
                  <p>
                    <ServiceLink name={change.service} /> {change.error ?? change.reason}
                  </p>
                  <time>{ago(change.time, now)}</time>
                </li>
              ))}
        </ul>
      )}
    </Panel>
  )
}

const MOST_EVENTS = 10

export const levelWord = (level: Level): string => LEVEL_WORDS[level]
