import type { IntentionRow } from '../model/api-shapes.ts'
import { callersInWords } from '../model/callers.ts'
import { State } from '../ui/icon.tsx'

/** Whom the service lets in, by Consul's intentions. */
export function Callers({ row }: { readonly row: IntentionRow | undefined }) {
  const { level, text, note } = callersInWords(row)
  return (
    <div>
      <dt>Callers</dt>
      <dd>
        <State level={level} text={text} />
        {note !== '' && <span class="muted">{note}</span>}
      </dd>
    </div>
  )
}
