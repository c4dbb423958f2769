import { useState } from 'preact/hooks'
import { useNow } from '../data/clock.ts'
import type { Change } from '../model/change-shapes.ts'
import { clock, duration, plural } from '../model/format.ts'
import { Diff } from '../ui/diff.tsx'
import { State } from '../ui/icon.tsx'
import { ServiceLink } from '../ui/links.tsx'

/** What the operator did, each with its reason; the difference is folded away. */
export function ChangeList({
  changes,
  isOfOne = false,
}: {
  readonly changes: readonly Change[]
  readonly isOfOne?: boolean
}) {
  return (
    <ul class="changes">
      {changes.map((change) => (
        <ChangeItem key={change.id} change={change} isOfOne={isOfOne} />
      ))}
    </ul>
  )
}

function ChangeItem({ change, isOfOne }: { readonly change: Change; readonly isOfOne: boolean }) {
  const now = useNow()
  const [isOpen, setIsOpen] = useState(false)
  const { diff } = change
  return (
    <li>
      <div class="change-line">
        <time dateTime={change.time}>{clock(change.time, now)}</time>
        <State level={change.result === 'applied' ? 'ok' : 'bad'} text={change.result} />
        <div>
          <p>
            {!isOfOne && <ServiceLink name={change.service} />} {change.reason}
          </p>
          {change.error !== null && (
            <p class="is-bad">
              {change.error}
              {change.tries > 1 && ` (${change.tries} times in a row)`}
            </p>
          )}
          <p class="muted">
            {diff.length > 0 ? (
              <button type="button" class="link" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
                {isOpen ? 'Hide' : 'Show'} {plural(diff.length, 'change')}
              </button>
            ) : (
              'nothing written'
            )}{' '}
            · {summary(diff)} took {duration(change.duration)}
          </p>
        </div>
      </div>
      {isOpen && <Diff entities={diff} />}
    </li>
  )
}

/** `2 targets updated, 1 route created,` */
function summary(diff: Change['diff']): string {
  const counts = new Map<string, number>()
  for (const { action, kind } of diff)
    counts.set(`${action} ${kind}`, (counts.get(`${action} ${kind}`) ?? 0) + 1)
  const told = [...counts].map(([key, many]) => {
    const [action = '', kind = ''] = key.split(' ')
    return `${plural(many, kind)} ${action}d`
  })
  return told.length === 0 ? '' : `${told.join(', ')};`
}
