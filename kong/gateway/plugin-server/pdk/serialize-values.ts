import type { RequestContext } from '../../proxy/request-context.ts'
import { textOf } from '../byte-string.ts'
import type { Unpacked } from '../message-unpack.ts'

interface SerializeValue {
  readonly key: string
  readonly value: Unpacked | undefined
  readonly mode: 'set' | 'add' | 'replace'
}

const SHARED_KEY = 'kong.log.set_serialize_value'

export function addSerializeValue(context: RequestContext, value: SerializeValue): void {
  const values = (context.shared.get(SHARED_KEY) as SerializeValue[] | undefined) ?? []
  values.push(value)
  context.shared.set(SHARED_KEY, values)
}

/** Puts what plugins want logged into `root`: dots in a key lead into tables, nil removes. */
export function serializeValues(context: RequestContext, root: object): void {
  for (const { key, value, mode } of (context.shared.get(SHARED_KEY) as SerializeValue[] | undefined) ?? []) {
    const names = textOf(key).split('.')
    const last = names.pop()!
    const table = names.reduce<Record<string, unknown> | undefined>(
      (at, name) => {
        if (at === undefined) return undefined
        if (at[name] === undefined && mode !== 'replace') at[name] = {}
        return typeof at[name] === 'object' ? (at[name] as Record<string, unknown>) : undefined
      },
      root as Record<string, unknown>,
    )
    if (!table || (mode === 'add' && table[last] !== undefined)) continue
    if (mode === 'replace' && table[last] === undefined) continue
    if (value === undefined || value === null) delete table[last]
    else table[last] = asText(value)
  }
}

function asText(value: Unpacked): unknown {
  if (typeof value === 'string') return textOf(value)
  if (Array.isArray(value)) return value.map(asText)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [textOf(name), asText(item)]))
}
