import { useNow } from '../data/clock.ts'
import type { Mesh } from '../data/mesh.ts'
import type { Loaded } from '../data/resource.ts'
import type { Status } from '../model/api-shapes.ts'
import { span } from '../model/format.ts'
import type { Trouble } from '../model/wrong-now.ts'
import { LevelIcon, State } from '../ui/icon.tsx'
import { OutLink, ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'

export function WrongNow({
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
                    {trouble.since !== null && ` · for ${span(now - Date.parse(trouble.since))}`}
                    {trouble.isPending && ' · not for long enough to fire'}
                    {trouble.isSilenced && ' · silenced'}
                    {trouble.runbook !== null && (
                      <>
                        {' · '}
                        <OutLink href={trouble.runbook}>what to do</OutLink>
                      </>
                    )}
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
