import { useNow } from '../data/clock.ts'
import { recentEvents } from '../data/event-stream.ts'
import { type Loaded, useResource } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import type { Status } from '../model/api-shapes.ts'
import type { Change } from '../model/change-shapes.ts'
import { grafanaLink, jaegerLink, prometheusLink } from '../model/deep-links.ts'
import { ago, duration } from '../model/format.ts'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, PageLink, ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'

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
          {(data.links.grafana ?? data.links.prometheus ?? data.links.jaeger) !== null && (
            <div>
              <dt>Elsewhere</dt>
              <dd>
                <OutLink href={grafanaLink(data.links, null)}>Grafana</OutLink>
                <OutLink href={prometheusLink(data.links, null)}>Prometheus</OutLink>
                <OutLink href={jaegerLink(data.links, null)}>Jaeger</OutLink>
              </dd>
            </div>
          )}
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
