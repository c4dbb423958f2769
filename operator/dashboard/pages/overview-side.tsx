import { useMemo } from 'preact/hooks'
import { useNow } from '../data/clock.ts'
import { recentEvents } from '../data/event-stream.ts'
import type { Mesh } from '../data/mesh.ts'
import { usePlace } from '../data/place.ts'
import { type Loaded, useResource } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import type { Change, Status } from '../model/api-shapes.ts'
import { ago, duration, percent, rate } from '../model/format.ts'
import { seriesOf } from '../model/history.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { Chart } from '../ui/chart.tsx'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, PageLink, ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'

export function History({ loaded, retry }: { readonly loaded: Loaded<Mesh>; readonly retry: () => void }) {
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
export function Parts({ status, retry }: { readonly status: Loaded<Status>; readonly retry: () => void }) {
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
export function Happening() {
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
