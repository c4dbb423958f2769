/** What request- and response-transformer share: `name:value` entries, applied in Kong's order. */

import { toBytes } from '../router/normalise-path.ts'

export interface Steps {
  readonly remove: readonly string[]
  readonly rename: readonly string[]
  readonly replace: readonly string[]
  readonly add: readonly string[]
  readonly append: readonly string[]
}

/** Named values that can be read and written; undefined stands for absent. */
export interface Values {
  get(name: string): readonly string[] | undefined
  set(name: string, values: readonly string[] | undefined): void
}

/** Remove, rename, replace (what is there), add (what is not there), append. */
export function transform(values: Values, steps: Steps): void {
  for (const [name] of pairs(steps.remove)) values.set(name, undefined)
  for (const [name, newName] of pairs(steps.rename)) {
    const current = values.get(name)
    if (!current || newName === '') continue
    values.set(name, undefined)
    values.set(newName, current)
  }
  for (const [name, value] of pairs(steps.replace))
    if (values.get(name) && value !== '') values.set(name, [value])
  for (const [name, value] of pairs(steps.add))
    if (!values.get(name) && value !== '') values.set(name, [value])
  for (const [name, value] of pairs(steps.append)) values.set(name, [...(values.get(name) ?? []), value])
}

export function stepsOf(
  config: Readonly<
    Record<keyof Steps, Readonly<Record<string, readonly string[] | undefined>> | null | undefined>
  >,
  field: string,
): Steps {
  // Headers and queries are byte strings.
  const of = (step: keyof Steps): readonly string[] => (config[step]?.[field] ?? []).map(toBytes)
  return {
    remove: of('remove'),
    rename: of('rename'),
    replace: of('replace'),
    add: of('add'),
    append: of('append'),
  }
}

function pairs(entries: readonly string[]): [name: string, value: string][] {
  return entries.map((entry) => {
    const colon = entry.indexOf(':')
    return colon < 0 ? [entry, ''] : [entry.slice(0, colon), entry.slice(colon + 1).replace(/^:+/, '')]
  })
}
