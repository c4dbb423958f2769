import { useState } from 'preact/hooks'
import { useResource } from '../data/resource.ts'
import type { Split } from '../model/change-shapes.ts'
import { legName, splitDraft, withWeight } from '../model/split-draft.ts'
import { PageLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { PreviewForm } from './preview-form.tsx'

const TITLE = 'Canary weights'

/** Which part of the requests goes where, by Consul's service-splitter. @param service '' for all that have one */
export function Splits({ service, onToken }: { readonly service: string; readonly onToken: () => void }) {
  const query = service === '' ? 'splits' : `splits?service=${encodeURIComponent(service)}`
  const [loaded, retry] = useResource<{ splits: readonly Split[] }>(query, 10_000)
  return (
    <Panel
      title={TITLE}
      aside={<span class="muted">service-splitter in Consul</span>}
      loaded={loaded}
      retry={retry}
      empty={({ splits }) =>
        splits.length === 0 ? (
          <p class="muted">
            {service === '' ? 'No service is split. ' : 'All of its requests go the same way. '}
            Write a <code>service-splitter</code> with <code>consul config write</code>, and its weights are
            changed here.
          </p>
        ) : null
      }
    >
      {({ splits }) =>
        service === '' ? (
          <ul class="lines">
            {splits.map((split) => (
              <li key={split.service}>
                <span>
                  <PageLink page="configuration" params={{ service: split.service }} class="name">
                    {split.service}
                  </PageLink>{' '}
                  <span class="muted">
                    {split.legs.map((leg) => `${legName(leg)} ${leg.weight} %`).join(' · ')}
                  </span>
                </span>
              </li>
            ))}
          </ul>
        ) : (
          splits.map((split) => (
            <SplitForm key={split.service} split={split} onDone={retry} onToken={onToken} />
          ))
        )
      }
    </Panel>
  )
}

interface SplitFormProps {
  readonly split: Split
  readonly onDone: () => void
  readonly onToken: () => void
}

function SplitForm({ split, onDone, onToken }: SplitFormProps) {
  const [texts, setTexts] = useState<readonly string[] | null>(null)
  // The entry that was there when somebody began to type: over another one nothing is written.
  const [begun, setBegun] = useState(split)
  const shown = texts === null ? split : begun
  const draft = splitDraft(shown, texts)
  const undo = () => setTexts(null)
  return (
    <PreviewForm
      title={TITLE}
      path="configure/split"
      body={draft.body}
      isTouched={texts !== null}
      onUndo={undo}
      onDone={() => {
        undo()
        onDone()
      }}
      onToken={onToken}
    >
      {shown.legs.map((leg, at) => (
        <div class="field" key={legName(leg)}>
          <label>
            <span class="name">{legName(leg)}</span>
            <span class="with-unit">
              <input
                type="number"
                min={0}
                max={100}
                step={0.01}
                value={draft.texts[at]}
                onInput={(event) => {
                  if (texts === null) setBegun(split)
                  setTexts(withWeight(draft.texts, at, event.currentTarget.value))
                }}
              />
              <span aria-hidden="true">%</span>
            </span>
          </label>
        </div>
      ))}
      <p class={draft.fault === null ? 'muted' : 'is-bad'} role="status">
        {draft.fault ?? 'together 100 %'}
      </p>
    </PreviewForm>
  )
}
