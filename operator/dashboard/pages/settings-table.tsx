import { useState } from 'preact/hooks'
import type { Configuration } from '../model/change-shapes.ts'
import { shownValue } from '../model/format.ts'
import { settingRows } from '../model/setting-rows.ts'
import { FieldPath } from '../ui/field-path.tsx'
import { LevelIcon } from '../ui/icon.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { TableHead } from '../ui/table-head.tsx'

/** Effective values with the layer that set each: what somebody set first, the rest on demand. */
export function SettingsTable({
  configuration,
  service,
}: {
  readonly configuration: Configuration
  readonly service: string
}) {
  const [isAll, setIsAll] = useState(false)
  const rows = settingRows(configuration, service === '' ? null : service)
  const set = rows.filter(({ isSet }) => isSet)
  const shown = isAll ? rows : set
  const refused = configuration.refused.filter((each) => each.service === service || each.service === '')
  return (
    <>
      {refused.map((each) => (
        <p class="note note-warn" key={each.message}>
          <LevelIcon level="warn" />
          <span>
            A document is refused, its last good form holds{each.service === '' ? ' for the whole mesh' : ''}:{' '}
            {each.message}
          </span>
        </p>
      ))}
      {shown.length > 0 && (
        <Scroll label="Table of settings">
          <table class="settings">
            <TableHead columns={['Setting', 'Value', 'Set in']} />
            <tbody>
              {shown.map((row) => (
                <tr key={row.path}>
                  <th scope="row">
                    <FieldPath path={row.path} />
                  </th>
                  <td class={row.value === null ? 'muted' : 'value'}>{shownValue(row.value)}</td>
                  <td class={row.isSet ? '' : 'muted'}>{row.source}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <p class="more">
        {set.length === 0 && !isAll && (
          <span class="muted">Nobody set anything: all values are built in. </span>
        )}
        <button type="button" class="link" aria-expanded={isAll} onClick={() => setIsAll(!isAll)}>
          {isAll ? 'Only what somebody set' : `All ${rows.length} values`}
        </button>
      </p>
    </>
  )
}
