import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { ApiFailure, writeJson } from '../data/api.ts'
import { useNow } from '../data/clock.ts'
import { useResource } from '../data/resource.ts'
import type { Override } from '../model/change-shapes.ts'
import { ago, shownValue } from '../model/format.ts'
import { FieldPath } from '../ui/field-path.tsx'
import { LevelIcon } from '../ui/icon.tsx'
import { ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { Scroll } from '../ui/scroll.tsx'

export function OverridesPage({ onToken }: { readonly onToken: () => void }) {
  const [loaded, retry] = useResource<{ overrides: readonly Override[] }>('overrides')
  return (
    <>
      <h1>Overrides</h1>
      <p class="lead">
        Fields that somebody edited in Kong by hand. They are kept as they were edited until they are given
        back to Consul.
      </p>
      <Panel
        title="Kept as edited"
        aside={loaded.data === null ? undefined : <span class="count">{loaded.data.overrides.length}</span>}
        loaded={loaded}
        retry={retry}
        empty={({ overrides }) =>
          overrides.length === 0 ? (
            <>
              <p>
                <LevelIcon level="ok" /> <b>None: Kong holds what Consul says.</b>
              </p>
              <p class="muted">
                Edit a field through Kong's Admin API, and it is listed here, or pin one first with{' '}
                <code>kongsul overrides pin</code>.
              </p>
            </>
          ) : null
        }
      >
        {({ overrides }) => (
          <Scroll label="Table of overrides">
            <table class="overrides">
              <thead>
                <tr>
                  <th scope="col">Service</th>
                  <th scope="col">Entity</th>
                  <th scope="col">Field</th>
                  <th scope="col">In Kong</th>
                  <th scope="col">Consul says</th>
                  <th scope="col">Since</th>
                  <th scope="col">
                    <span class="sr-only">Release</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {overrides.map((each) => (
                  <Row
                    key={`${each.entity} ${each.field}`}
                    override={each}
                    onDone={retry}
                    onToken={onToken}
                  />
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </Panel>
    </>
  )
}

interface RowProps {
  readonly override: Override
  readonly onDone: () => void
  readonly onToken: () => void
}

function Row({ override, onDone, onToken }: RowProps) {
  const now = useNow()
  const [step, setStep] = useState<'idle' | 'asking' | 'working'>('idle')
  const [failure, setFailure] = useState<ApiFailure['failure'] | null>(null)
  const { entity, kind, name, service, field, wanted, actual, since } = override
  const release = async () => {
    setStep('working')
    setFailure(null)
    try {
      const path = `overrides/${encodeURIComponent(entity)}?field=${encodeURIComponent(field)}`
      await writeJson('DELETE', path)
      announce(`${field} of ${name} is given back to Consul`)
      onDone()
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error.failure)
    } finally {
      setStep('idle')
    }
  }
  return (
    <tr>
      <th scope="row">
        <ServiceLink name={service} />
      </th>
      <td>
        <span class="muted">{kind}</span> <span class="name">{name}</span>
      </td>
      <td>
        <FieldPath path={field} />
      </td>
      <td class="value">{shownValue(actual)}</td>
      <td class="value muted">{shownValue(wanted)}</td>
      <td class="nowrap">{ago(since, now)}</td>
      <td class="row-actions">
        {step === 'asking' ? (
          <>
            <button type="button" class="primary" onClick={() => void release()}>
              Give back
            </button>
            <button type="button" onClick={() => setStep('idle')}>
              Keep
            </button>
          </>
        ) : (
          <button
            type="button"
            disabled={step === 'working'}
            aria-label={`Release ${field} of ${name}`}
            onClick={() => setStep('asking')}
          >
            {step === 'working' ? 'Releasing' : 'Release'}
          </button>
        )}
        {failure !== null && (
          <p class="is-bad" role="alert">
            {failure.message}{' '}
            {failure.kind === 'denied' && (
              <button type="button" class="link" onClick={onToken}>
                Set a token
              </button>
            )}
          </p>
        )}
      </td>
    </tr>
  )
}
