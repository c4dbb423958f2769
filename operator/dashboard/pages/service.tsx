import { useMemo } from 'preact/hooks'
import { mesh } from '../data/mesh.ts'
import { usePlace } from '../data/place.ts'
import { useResource, useShared } from '../data/resource.ts'
import type { Circuit, ServiceNumbers, Status } from '../model/api-shapes.ts'
import { duration, NONE, percent, rate } from '../model/format.ts'
import { rangeLabel } from '../model/ranges.ts'
import { judgeService } from '../model/severity.ts'
import { wrongNow } from '../model/wrong-now.ts'
import { LevelIcon, State } from '../ui/icon.tsx'
import { PageLink } from '../ui/links.tsx'
import { Instances } from './service-instances.tsx'
import { Overridden, RecentChanges, Routes, Settings } from './service-panels.tsx'
import { Calls, Operations, RecentTraces } from './service-traffic.tsx'

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
          <Overridden service={service} />
        </div>
        <div>
          <Calls service={service} />
          <Operations service={service} />
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
