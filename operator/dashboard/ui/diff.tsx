import type { ChangedEntity, ChangedField } from '../model/change-shapes.ts'
import { shownValue } from '../model/format.ts'
import { FieldPath } from './field-path.tsx'

/** What is or would be changed in Kong, entity by entity, field by field. */
export function Diff({
  entities,
}: {
  readonly entities: readonly (ChangedEntity & { readonly service?: string })[]
}) {
  return (
    <ul class="diff">
      {entities.map((entity) => (
        <li key={`${entity.action} ${entity.kind} ${entity.id}`}>
          <p>
            <span class={`action action-${entity.action}`}>{entity.action}</span>{' '}
            <span class="muted">{entity.kind}</span> <span class="name">{entity.name || entity.id}</span>
          </p>
          {entity.fields.length > 0 && <Fields action={entity.action} fields={entity.fields} />}
        </li>
      ))}
    </ul>
  )
}

function Fields({
  action,
  fields,
}: {
  readonly action: ChangedEntity['action']
  readonly fields: readonly ChangedField[]
}) {
  return (
    <dl>
      {fields
        .filter(({ field }) => field !== 'tags')
        .map(({ field, from, to }) => (
          <div key={field}>
            <dt>
              <FieldPath path={field} />
            </dt>
            <dd>
              {action === 'update' && (
                <>
                  <del>{shownValue(from)}</del> <span class="arrow">→</span>{' '}
                </>
              )}
              <ins>{shownValue(to)}</ins>
            </dd>
          </div>
        ))}
    </dl>
  )
}
