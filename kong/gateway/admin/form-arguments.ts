/**
 * Arguments of forms: `tags[]=a`, `hosts[1]=b`, `config.minute=5`, `headers[x-v]=1` become nested tables, and texts
 * become what the schema says they should be.
 */

import type { Field } from '../schema/field.ts'
import { fieldOf, type RecordSchema, schemaOfRecord, subschemaOf } from '../schema/record-schema.ts'
import { isTable, type ObjectValue, own, positionKey, setOwn, type Value } from '../schema/table.ts'

/** A text, `true` for a name without `=`, a list for a name given several times. */
export type Arguments = { [name: string]: Value }

export function parseArguments(text: string): Arguments {
  const parsed: Arguments = {}
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (name === '') continue
    addArgument(parsed, name, equals < 0 ? true : decode(pair.slice(equals + 1)))
  }
  return parsed
}

export function addArgument(args: Arguments, name: string, value: Value): void {
  const before = own(args, name)
  const together = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
  setOwn(args, name, together)
}

/** Names with dots and brackets spread into tables. */
export function nestArguments(args: Arguments): ObjectValue {
  const nested: ObjectValue = {}
  for (const [name, value] of Object.entries(args)) {
    const path = pathOf(name)
    if (path.length === 0) setOwn(nested, name, value)
    else place(nested, path, value)
  }
  return settle(nested) as ObjectValue
}

/**
 * What /schemas/.../validate makes of a form, without asking the schema: empty texts are null, `true` and `false`
 * booleans, and of a name given several times the last one counts.
 */
export function plainArguments(args: Arguments): ObjectValue {
  const plain: Arguments = {}
  for (const [name, value] of Object.entries(args)) {
    const last = Array.isArray(value) && !name.endsWith('[]') ? (value.at(-1) ?? null) : value
    setOwn(plain, name, last === '' ? null : last === 'true' ? true : last === 'false' ? false : last)
  }
  return nestArguments(plain)
}

/** Texts turned into numbers, booleans, lists and null (for the empty text) where the schema wants them. */
export function inferTypes(schema: RecordSchema, schemaNamed: (name: string) => RecordSchema | undefined) {
  const inferField = (field: Field, value: Value): Value => {
    if (value === '') return null
    switch (field.type) {
      case 'number':
      case 'integer':
        return typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
          ? Number(value)
          : value
      case 'boolean':
        return value === 'true' ? true : value === 'false' ? false : value
      case 'array':
      case 'set': {
        const items = Array.isArray(value) ? value : isTable(value) ? value : [value]
        return Array.isArray(items)
          ? items.map((item) => (field.elements ? inferField(field.elements, item) : item))
          : items
      }
      case 'foreign': {
        const other = schemaNamed(field.reference ?? '')
        return other && isTable(value) && !Array.isArray(value) ? inferRecord(other, value) : value
      }
      case 'map':
        return mapValues(value, (item) => (field.values ? inferField(field.values, item) : item))
      case 'record':
        return field.abstract || !isTable(value) || Array.isArray(value)
          ? value
          : inferRecord(schemaOfRecord(field), value)
      default:
        return value
    }
  }
  const inferRecord = (record: RecordSchema, input: ObjectValue): ObjectValue => {
    const output: ObjectValue = { ...input }
    const subschema = subschemaOf(record, input)
    const shorthands = new Map(record.shorthands)
    for (const [name, value] of Object.entries(input)) {
      const field = fieldOf(record, subschema, name) ?? shorthands.get(name)
      if (field) setOwn(output, name, inferField(field, value))
      else if (name === 'ttl' && record.hasTtl) setOwn(output, name, inferField({ type: 'number' }, value))
    }
    return output
  }
  return (input: ObjectValue): ObjectValue => inferRecord(schema, input)
}

function decode(text: string): string {
  const plain = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(plain.replace(/%(?![\dA-Fa-f]{2})/g, '%25'))
  } catch {
    return plain // escapes that are no UTF-8 stay as they are
  }
}

function mapValues(value: Value, change: (item: Value) => Value): Value {
  if (!isTable(value) || Array.isArray(value)) return value
  const output: ObjectValue = {}
  for (const [key, item] of Object.entries(value)) setOwn(output, key, change(item))
  return output
}

/** A step into a table: a name, a 1-based position, or the end of a list. */
type Step = string | number | typeof APPEND
const APPEND = Symbol('append')

function pathOf(name: string): Step[] {
  if (/^\.+|\.$/.test(name)) return [name]
  const steps: Step[] = []
  for (const part of name.match(/(?:[^.[\]]|\[[^\]]*\])+/g) ?? []) {
    const bracket = part.indexOf('[')
    steps.push(bracket < 0 ? part : part.slice(0, bracket))
    if (bracket < 0) continue
    for (const [, inside = ''] of part.slice(bracket).matchAll(/\[([^\]]*)\]/g)) {
      steps.push(inside === '' ? APPEND : /^\d+$/.test(inside) ? Number(inside) : inside)
    }
  }
  return steps.filter((step) => step !== '')
}

/** Lists are objects with positions as keys until all is in place: arguments may come in any order, with gaps. */
function place(table: ObjectValue, path: readonly Step[], value: Value): void {
  let at = table
  for (const [index, step] of path.entries()) {
    const key = keyOf(at, step)
    if (index === path.length - 1) {
      if (step === APPEND && Array.isArray(value))
        for (const item of value) setOwn(at, keyOf(at, APPEND), item)
      else setOwn(at, key, value)
      return
    }
    const existing = own(at, key)
    const inner: ObjectValue = isTable(existing) && !Array.isArray(existing) ? existing : {}
    setOwn(at, key, inner)
    at = inner
  }
}

function keyOf(table: ObjectValue, step: Step): string {
  if (typeof step === 'string') return step
  return positionKey(step === APPEND ? Object.keys(table).length + 1 : step)
}

/** Positions 1 to n without a gap are a list. */
function settle(value: Value): Value {
  if (!isTable(value) || Array.isArray(value)) return value
  const keys = Object.keys(value)
  const isList = keys.length > 0 && keys.every((_, index) => Object.hasOwn(value, positionKey(index + 1)))
  if (isList) return keys.map((_, index) => settle(value[positionKey(index + 1)] as Value))
  return mapValues(value, settle)
}
