/**
 * Arguments of forms: `tags[]=a`, `hosts[1]=b`, `config.minute=5`, `headers[x-v]=1` become nested tables, and texts
 * become what the schema says they should be.
 */

import type { Field } from '../schema/field.ts'
import { fieldOf, type RecordSchema, schemaOfRecord, subschemaOf } from '../schema/record-schema.ts'
import { isTable, type ObjectValue, own, setOwn, type Value } from '../schema/table.ts'

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
  return nested
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

function place(table: ObjectValue, path: readonly Step[], value: Value): void {
  let at: ObjectValue | Value[] = table
  for (const [index, step] of path.entries()) {
    const next = path[index + 1]
    if (next === undefined) {
      assign(at, step, value)
      return
    }
    const existing: Value | undefined = read(at, step)
    let inner: ObjectValue | Value[]
    if (isTable(existing)) inner = existing
    else {
      inner = typeof next === 'string' ? {} : []
      assign(at, step, inner)
    }
    at = inner
  }
}

function read(table: ObjectValue | Value[], step: Step): Value | undefined {
  if (!Array.isArray(table)) return step === APPEND ? undefined : own(table, String(step))
  return typeof step === 'number' ? table[step - 1] : undefined
}

function assign(table: ObjectValue | Value[], step: Step, value: Value): void {
  if (!Array.isArray(table))
    setOwn(table, step === APPEND ? String(Object.keys(table).length + 1) : String(step), value)
  else if (step === APPEND) table.push(...(Array.isArray(value) ? value : [value]))
  else if (typeof step === 'number' && step >= 1 && step <= table.length + 1) table[step - 1] = value
  else table.push(value)
}
