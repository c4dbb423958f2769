import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { ApiFailure, writeJson } from '../data/api.ts'
import { useResource } from '../data/resource.ts'
import { decisionText, stateWord } from '../model/canary-text.ts'
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

/** A row among the facts about a service while a canary of it goes on. */
export function CanaryFact({ service }: { readonly service: string }) {
  const [{ data }] = useResource<{ canaries: readonly Canary[] }>(
    `canaries?service=${encodeURIComponent(service)}`,
    3_000,
  )
  const canary = data?.canaries.find(isActive)
  if (canary === undefined) return null
  return (
    <div>
      <dt>Canary</dt>
      <dd>
        <State level={levelOfCanary(canary.state)} text={headText(canary)} />
        <span class="muted">{restText(canary)}</span>
        <PageLink page="configuration" params={{ service }}>
          Promote it or put it back
        </PageLink>
      </dd>
    </div>
  )
}

const isActive = ({ state }: Canary): boolean => state === 'running' || state === 'paused'

const headText = ({ to, state, weight }: Canary): string => `${stateWord(state)}: ${to} ${weight} %`

function restText(canary: Canary): string {
  const { step, steps } = canary
  const decision = decisionText(canary)
  return isActive(canary) ? `step ${step} of ${steps.length} (${steps.join(', ')} %); ${decision}` : decision
}

const WORDS = { promote: 'Promote to 100 %', abort: 'Put back' } as const

function Line({ canary, isOfOne, onDone, onToken }: LineProps) {
  const [asked, setAsked] = useState<keyof typeof WORDS | null>(null)
  const [isWorking, setIsWorking] = useState(false)
  const [failure, setFailure] = useState<ApiFailure['failure'] | null>(null)
  const { service, state } = canary
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
        <State level={levelOfCanary(state)} text={headText(canary)} />{' '}
        <span class="muted">{restText(canary)}</span>
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
      {isActive(canary) &&
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
