import { type Loaded, useResource } from '../data/resource.ts'
import type { Circuit, Status } from '../model/api-shapes.ts'
import type { Change, Configuration, Override } from '../model/change-shapes.ts'
import { consulLink, grafanaLink, kongLink, prometheusLink } from '../model/deep-links.ts'
import { plainReason, shownValue } from '../model/format.ts'
import { levelOfState } from '../model/severity.ts'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, PageLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { Callers } from './callers.tsx'
import { CanaryFact } from './canaries.tsx'
import { ChangeList } from './change-list.tsx'
import { SettingsTable } from './settings-table.tsx'

export function Routes({
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
            <Callers row={data.intentions?.services.find((each) => each.service === report.service)} />
            <CanaryFact service={report.service} />
            <div>
              <dt>In Kong</dt>
              <dd>
                <State level={levelOfState(report.state)} text={report.state.replace('_', ' ')} />
              </dd>
            </div>
            <div>
              <dt>Elsewhere</dt>
              <dd>
                <OutLink href={consulLink(data.consul, report.service)}>Consul</OutLink>
                <OutLink href={kongLink(data.kong, report.service)}>Kong</OutLink>
                <OutLink href={grafanaLink(data.links, report.service)}>Grafana</OutLink>
                <OutLink href={prometheusLink(data.links, report.service)}>Prometheus</OutLink>
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
                  {own !== undefined && own.reason !== '' && `; ${plainReason(own.reason)}`}
                </span>
              </dd>
            </div>
          </dl>
        )
      }}
    </Panel>
  )
}

export function Overridden({ service }: { readonly service: string }) {
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

export function RecentChanges({ service }: { readonly service: string }) {
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

export function Settings({ service }: { readonly service: string }) {
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
