import { useMemo } from 'preact/hooks'
import { useNow } from '../data/clock.ts'
import { mesh } from '../data/mesh.ts'
import { usePlace } from '../data/place.ts'
import { type Loaded, useResource, useShared } from '../data/resource.ts'
import type {
  Change,
  Circuit,
  Configuration,
  Override,
  ServiceLatency,
  ServiceNumbers,
  Status,
  TraceSummary,
} from '../model/api-shapes.ts'
import { ago, duration, NONE, percent, rate, shownValue } from '../model/format.ts'
import { instanceRows } from '../model/instance-rows.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { judgeService, levelOfState } from '../model/severity.ts'
import { wrongNow } from '../model/wrong-now.ts'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, PageLink, ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { ChangeList } from './change-list.tsx'
import { SettingsTable } from './settings-table.tsx'
import { TraceTable } from './trace-table.tsx'

export function ServicePage() {
  const { id: service, range } = usePlace()
  const name = encodeURIComponent(service)
  const [numbers, retryNumbers] = useResource<ServiceNumbers>(`services/${name}/metrics`, 5_000)
  const [status, retryStatus] = useResource<Status>(`status?service=${name}`)
  const [circuits, retryCircuits] = useResource<{ circuits: readonly Circuit[] }>(`circuits?service=${name}`)
  const [shared] = useShared(mesh)
  const report = status.data?.services.find((each) => each.service === service)
  const row = shared.data?.rows.get(service)
  const isUnknown = status.data !== null && report === undefined && shared.data !== null && row === undefined
  const troubles = useMemo(
    () =>
      wrongNow(shared.data?.alerts ?? [], status.data, circuits.data?.circuits).filter(
        (each) => each.service === service || each.service === '*',
      ),
    [shared.data?.alerts, status.data, circuits.data, service],
  )
  const metrics = numbers.data ?? row ?? null
  const verdict = metrics === null ? null : judgeService(metrics)
  const level = verdict?.level ?? 'unknown'
  const own = circuits.data?.circuits.find((each) => each.service === service && each.kind === 'service')
  return (
    <>
      <div class={`banner banner-${level} banner-service`}>
        <LevelIcon level={level} size={30} />
        <div>
          <h1 class="name">{service}</h1>
          <p>
            {isUnknown
              ? 'Consul knows no service of this name'
              : verdict === null
                ? 'Reading'
                : verdict.why.length > 0
                  ? verdict.why.join(' · ')
                  : 'Healthy: every instance is, and requests succeed'}
          </p>
        </div>
        <PageLink page="graph" params={{ focus: service }} class="button">
          In the graph
        </PageLink>
      </div>
      {troubles.length > 0 && (
        <ul class="troubles panel">
          {troubles.slice(0, 6).map((trouble) => (
            <li key={trouble.id}>
              <State level={trouble.level} text={trouble.level === 'bad' ? 'Critical' : 'Warning'} />
              <div>
                <p>{trouble.message}</p>
                {trouble.why.map((each) => (
                  <p key={each}>{each}</p>
                ))}
                <p class="muted">{trouble.name}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <Signals metrics={metrics} isMeasured={numbers.data !== null || shared.data?.isMeasured === true} />
      <Instances
        status={status}
        retry={() => {
          retryStatus()
          retryNumbers()
          retryCircuits()
        }}
        numbers={numbers}
        circuits={circuits}
      />
      <div class="columns columns-even">
        <div>
          <Routes status={status} retry={retryStatus} own={own} circuits={circuits} />
          <Calls service={service} />
        </div>
        <div>
          <Operations service={service} />
          <Overridden service={service} />
        </div>
      </div>
      <RecentTraces service={service} />
      <RecentChanges service={service} />
      <Settings service={service} />
      <p class="sr-only">Lists look back over the last {rangeLabel(range)}.</p>
    </>
  )
}

function Signals({
  metrics,
  isMeasured,
}: {
  readonly metrics: Partial<ServiceNumbers> | null
  readonly isMeasured: boolean
}) {
  const isCalled = isMeasured && (metrics?.request_rate ?? 0) > 0
  const tiles: readonly (readonly [label: string, value: string, note: string])[] = [
    [
      'Requests',
      isMeasured && metrics !== null ? `${rate(metrics.request_rate)}/s` : NONE,
      'of the last minute',
    ],
    [
      'Failing',
      isCalled ? percent(metrics?.error_rate) : NONE,
      isCalled ? '5xx and no answer' : 'no request',
    ],
    ['p50', isCalled ? duration(metrics?.p50_latency) : NONE, 'half are faster'],
    ['p95', isCalled ? duration(metrics?.p95_latency) : NONE, 'one in 20 is slower'],
    ['p99', isCalled ? duration(metrics?.p99_latency) : NONE, 'one in 100 is slower'],
    [
      'In flight',
      isMeasured && metrics?.active_connections !== undefined ? rate(metrics.active_connections) : NONE,
      'on average of 10 s',
    ],
  ]
  return (
    <dl class="tiles" aria-label="Golden signals, of the last minute">
      {tiles.map(([label, value, note]) => (
        <div
          key={label}
          class={
            label === 'Failing' && isCalled && (metrics?.error_rate ?? 0) >= 1
              ? `tile tile-${(metrics?.error_rate ?? 0) >= 10 ? 'bad' : 'warn'}`
              : 'tile'
          }
        >
          <dt>{label}</dt>
          <dd>
            <b>{value}</b>
            <span class="tile-note">{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Instances({
  status,
  retry,
  numbers,
  circuits,
}: {
  readonly status: Loaded<Status>
  readonly retry: () => void
  readonly numbers: Loaded<ServiceNumbers>
  readonly circuits: Loaded<{ circuits: readonly Circuit[] }>
}) {
  const now = useNow()
  const report = status.data?.services[0]
  const rows = report === undefined ? [] : instanceRows(report, numbers.data, circuits.data?.circuits ?? [])
  return (
    <Panel
      title="Instances"
      aside={
        report === undefined ? undefined : <span class="muted">{report.strategy.replaceAll('_', ' ')}</span>
      }
      loaded={status}
      retry={retry}
      partial={() =>
        numbers.data === null && numbers.failure !== null
          ? `requests are not counted here (${numbers.failure.message})`
          : circuits.failure !== null
            ? `circuits are not known (${circuits.failure.message})`
            : null
      }
      empty={() =>
        rows.length === 0 ? (
          <>
            <p>
              <b>No instance.</b>
            </p>
            <p class="muted">
              Register one in Consul, or with <code>kongsul register</code>.
            </p>
          </>
        ) : null
      }
    >
      {() => (
        <Scroll label="Table of instances">
          <table>
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Instance</th>
                <th scope="col">Address</th>
                <th scope="col">Circuit</th>
                <th scope="col" class="num">
                  Weight
                </th>
                <th scope="col" class="num">
                  Req/s
                </th>
                <th scope="col" class="num">
                  Failing
                </th>
                <th scope="col" class="num">
                  p95
                </th>
                <th scope="col" class="num">
                  In flight
                </th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.node} ${row.id}`}>
                  <td>
                    <State level={row.level} text={row.word} />
                  </td>
                  <th scope="row" class="name">
                    {row.id}
                  </th>
                  <td class="nowrap muted">{row.target}</td>
                  <td class="circuit">
                    <State level={row.circuitLevel} text={row.circuit} />
                    {row.until !== null && <small class="muted">tries again {ago(row.until, now)}</small>}
                  </td>
                  <td class="num">{row.weight}</td>
                  <td class="num">{rate(row.rate)}</td>
                  <td
                    class={
                      (row.errors ?? 0) >= 10 ? 'num is-bad' : (row.errors ?? 0) >= 1 ? 'num is-warn' : 'num'
                    }
                  >
                    {row.rate ? percent(row.errors) : NONE}
                  </td>
                  <td class="num">{row.rate ? duration(row.p95) : NONE}</td>
                  <td class="num">{rate(row.inFlight)}</td>
                  <td class="why">{row.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  )
}

function Routes({
  status,
  retry,
  own,
  circuits,
}: {
  readonly status: Loaded<Status>
  readonly retry: () => void
  readonly own: Circuit | undefined
  readonly circuits: Loaded<{ circuits: readonly Circuit[] }>
}) {
  return (
    <Panel
      title="Routes and circuit"
      loaded={status}
      retry={retry}
      empty={(data) =>
        data.services.length === 0 ? <p class="muted">Nothing was decided about it.</p> : null
      }
    >
      {(data) => {
        const report = data.services[0]!
        return (
          <dl class="facts">
            <div>
              <dt>Hosts</dt>
              <dd>
                {report.hosts.length === 0 ? (
                  <span class="muted">none</span>
                ) : (
                  report.hosts.map((host) => <code key={host}>{host}</code>)
                )}
              </dd>
            </div>
            <div>
              <dt>Paths</dt>
              <dd>
                {report.paths.length === 0 ? (
                  <span class="muted">none</span>
                ) : (
                  report.paths.map((path) => <code key={path}>{path}</code>)
                )}
              </dd>
            </div>
            <div>
              <dt>Reachable</dt>
              <dd>
                <State
                  level={report.exposed ? 'ok' : 'idle'}
                  text={report.exposed ? 'Through the proxy' : 'Not through the proxy'}
                />
                <span class="muted">{report.exposureReason}</span>
              </dd>
            </div>
            <div>
              <dt>In Kong</dt>
              <dd>
                <State level={levelOfState(report.state)} text={report.state.replace('_', ' ')} />
                <OutLink
                  href={`${data.kong.url.split(',')[0]}/upstreams/${encodeURIComponent(`${report.service}.mesh`)}/health`}
                >
                  upstream in Kong
                </OutLink>
                <OutLink href={`${data.consul.url}/ui/dc1/services/${encodeURIComponent(report.service)}`}>
                  service in Consul
                </OutLink>
              </dd>
            </div>
            <div>
              <dt>Circuit</dt>
              <dd>
                {own === undefined ? (
                  <State level="unknown" text={circuits.data === null ? 'Not known' : 'No plugin tells'} />
                ) : (
                  <State level={levelOfState(own.state)} text={own.state.replace('_', ' ')} />
                )}
                <span class="muted">
                  mode {own?.mode ?? 'auto'}
                  {own !== undefined && own.reason !== '' && `; ${own.reason}`}
                </span>
              </dd>
            </div>
          </dl>
        )
      }}
    </Panel>
  )
}

/** Who calls it, and whom it calls, out of the graph. */
function Calls({ service }: { readonly service: string }) {
  const [loaded, retry] = useShared(mesh)
  return (
    <Panel
      title="Callers and callees"
      loaded={loaded}
      retry={retry}
      empty={(data) =>
        data.service_graph.edges.some(
          ({ source, target }) => source === service || target === service,
        ) ? null : (
          <p class="muted">No call from or to another service was seen.</p>
        )
      }
    >
      {(data) => (
        <table>
          <thead>
            <tr>
              <th scope="col">Call</th>
              <th scope="col" class="num">
                Req/s
              </th>
              <th scope="col" class="num">
                Failing
              </th>
              <th scope="col" class="num">
                p95
              </th>
            </tr>
          </thead>
          <tbody>
            {data.service_graph.edges
              .filter(({ source, target }) => source === service || target === service)
              .map((edge) => (
                <tr key={`${edge.source} ${edge.target}`}>
                  <th scope="row">
                    {edge.source === service ? (
                      <>
                        <span class="muted">calls</span> <ServiceLink name={edge.target} />
                      </>
                    ) : (
                      <>
                        <span class="muted">called by</span> <ServiceLink name={edge.source} />
                      </>
                    )}
                  </th>
                  <td class="num">{edge.seen_in === 'spans' ? NONE : rate(edge.request_rate)}</td>
                  <td
                    class={
                      edge.error_rate >= 10 ? 'num is-bad' : edge.error_rate >= 1 ? 'num is-warn' : 'num'
                    }
                  >
                    {edge.request_rate > 0 ? percent(edge.error_rate) : NONE}
                  </td>
                  <td class="num">{edge.request_rate > 0 ? duration(edge.p95_latency) : NONE}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

/** Latencies by operation are kept for an hour. */
const MOST_MINUTES = 60

function Operations({ service }: { readonly service: string }) {
  const { range } = usePlace()
  const minutes = Math.min(MOST_MINUTES, rangeMs(range) / 60_000)
  const [loaded, retry] = useResource<ServiceLatency>(
    `latency/${encodeURIComponent(service)}?window=${minutes}m`,
    15_000,
  )
  return (
    <Panel
      title="Operations"
      aside={<span class="muted">from spans of the last {minutes} min</span>}
      loaded={loaded}
      retry={retry}
      empty={(data) =>
        data.operations.length === 0 ? <p class="muted">No span of this service in this range.</p> : null
      }
    >
      {(data) => (
        <table>
          <thead>
            <tr>
              <th scope="col">Operation</th>
              <th scope="col" class="num">
                Calls
              </th>
              <th scope="col" class="num">
                Failing
              </th>
              <th scope="col" class="num">
                p95
              </th>
            </tr>
          </thead>
          <tbody>
            {data.operations.slice(0, 10).map((each) => (
              <tr key={each.operation}>
                <th scope="row" class="name">
                  <PageLink page="traces" params={{ service, operation: each.operation }}>
                    {each.operation}
                  </PageLink>
                </th>
                <td class="num">{each.calls}</td>
                <td
                  class={each.error_rate >= 10 ? 'num is-bad' : each.error_rate >= 1 ? 'num is-warn' : 'num'}
                >
                  {percent(each.error_rate)}
                </td>
                <td class="num">{duration(each.p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

function Overridden({ service }: { readonly service: string }) {
  const [loaded, retry] = useResource<{ overrides: readonly Override[] }>('overrides', 15_000)
  const own = loaded.data?.overrides.filter((each) => each.service === service) ?? []
  return (
    <Panel
      title="Edited in Kong by hand"
      aside={<PageLink page="overrides">All overrides</PageLink>}
      loaded={loaded}
      retry={retry}
      empty={() => (own.length === 0 ? <p class="muted">Nothing: Kong holds what Consul says.</p> : null)}
    >
      {() => (
        <ul class="lines">
          {own.map((each) => (
            <li key={`${each.entity} ${each.field}`}>
              <LevelIcon level="warn" size={12} />
              <span>
                <span class="muted">{each.kind}</span> <span class="name">{each.name}</span>{' '}
                <code>{each.field}</code> <ins>{shownValue(each.actual)}</ins>{' '}
                <span class="muted">instead of {shownValue(each.wanted)}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function RecentTraces({ service }: { readonly service: string }) {
  const [loaded, retry] = useResource<{ traces: readonly TraceSummary[] }>(
    `traces?service=${encodeURIComponent(service)}&limit=8`,
    10_000,
  )
  return (
    <Panel
      title="Newest traces"
      aside={
        <PageLink page="traces" params={{ service }}>
          Search its traces
        </PageLink>
      }
      loaded={loaded}
      retry={retry}
      empty={({ traces }) =>
        traces.length === 0 ? <p class="muted">No stored trace passed through it.</p> : null
      }
    >
      {({ traces }) => <TraceTable traces={traces} />}
    </Panel>
  )
}

function RecentChanges({ service }: { readonly service: string }) {
  const [loaded, retry] = useResource<{ changes: readonly Change[] }>(
    `changes?service=${encodeURIComponent(service)}&limit=6`,
  )
  return (
    <Panel
      title="What the operator did"
      aside={
        <PageLink page="changes" params={{ service }}>
          All of its changes
        </PageLink>
      }
      loaded={loaded}
      retry={retry}
      empty={({ changes }) =>
        changes.length === 0 ? <p class="muted">Nothing since the operator was started.</p> : null
      }
    >
      {({ changes }) => <ChangeList changes={changes} isOfOne />}
    </Panel>
  )
}

function Settings({ service }: { readonly service: string }) {
  const [loaded, retry] = useResource<Configuration>(
    `configure?service=${encodeURIComponent(service)}`,
    20_000,
  )
  return (
    <Panel
      title="Settings in force"
      aside={
        <PageLink page="configuration" params={{ service }}>
          Change them
        </PageLink>
      }
      loaded={loaded}
      retry={retry}
    >
      {(data) => <SettingsTable configuration={data} service={service} />}
    </Panel>
  )
}
