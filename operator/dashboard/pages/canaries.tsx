import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { ApiFailure, writeJson } from '../data/api.ts'
import { useResource } from '../data/resource.ts'
import type { Canary } from '../model/change-shapes.ts'
import { levelOfCanary } from '../model/severity.ts'
import { State } from '../ui/icon.tsx'
import { PageLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'

/** Canaries: what each does and why, and how to end one. @param service '' for all that there are */
export function Canaries({ service, onToken }: { readonly service: string; readonly onToken: () => void }) {
  const query = service === '' ? 'canaries' : `canaries?service=${encodeURIComponent(service)}`
  const [loaded, retry] = useResource<{ canaries: readonly Canary[] }>(query, 3_000)
  return (
    <Panel
      title="Canaries"
      loaded={loaded}
      retry={retry}
      empty={({ canaries }) =>
        canaries.length === 0 ? (
          <p class="muted">
            None. <code>kongsul canary start</code> moves requests to a subset step by step, and back by
            itself when they fail.
          </p>
        ) : null
      }
    >
      {({ canaries }) => (
        <ul class="lines">
          {canaries.map((each) => (
            <Line key={each.id} canary={each} isOfOne={service !== ''} onDone={retry} onToken={onToken} />
          ))}
        </ul>
      )}
    </Panel>
  )
}

interface LineProps {
  readonly canary: Canary
  readonly isOfOne: boolean
  readonly onDone: () => void
  readonly onToken: () => void
}

const WORDS = { promote: 'Promote to 100 %', abort: 'Put back' } as const

function Line({ canary, isOfOne, onDone, onToken }: LineProps) {
  const [asked, setAsked] = useState<keyof typeof WORDS | null>(null)
  const [isWorking, setIsWorking] = useState(false)
  const [failure, setFailure] = useState<ApiFailure['failure'] | null>(null)
  const { service, to, state, step, steps, weight, decision } = canary
  const isActive = state === 'running' || state === 'paused'
  const end = async (word: keyof typeof WORDS) => {
    setIsWorking(true)
    setFailure(null)
    try {
      await writeJson('POST', `canaries/${encodeURIComponent(service)}/${word}`, { by: 'dashboard' })
      announce(`The canary of ${service} ends`)
      onDone()
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error.failure)
    } finally {
      setIsWorking(false)
      setAsked(null)
    }
  }
  return (
    <li>
      <span>
        {!isOfOne && (
          <>
            <PageLink page="configuration" params={{ service }} class="name">
              {service}
            </PageLink>{' '}
          </>
        )}
        <State level={levelOfCanary(state)} text={`${to} ${weight} %, ${state.replace('_', ' ')}`} />{' '}
        {isActive && (
          <span class="muted">
            step {step} of {steps.length} ({steps.join(', ')} %);{' '}
          </span>
        )}
        <span class="muted">{decision}</span>
        {failure !== null && (
          <span class="is-bad" role="alert">
            {' '}
            {failure.message}{' '}
            {failure.kind === 'denied' && (
              <button type="button" class="link" onClick={onToken}>
                Set a token
              </button>
            )}
          </span>
        )}
      </span>
      {isActive &&
        isOfOne &&
        (asked === null ? (
          <span class="actions">
            {(['promote', 'abort'] as const).map((word) => (
              <button key={word} type="button" disabled={isWorking} onClick={() => setAsked(word)}>
                {WORDS[word]}
              </button>
            ))}
          </span>
        ) : (
          <span class="actions">
            <button type="button" class="primary" disabled={isWorking} onClick={() => void end(asked)}>
              {WORDS[asked]}, now
            </button>
            <button type="button" onClick={() => setAsked(null)}>
              Leave it
            </button>
          </span>
        ))}
    </li>
  )
}
