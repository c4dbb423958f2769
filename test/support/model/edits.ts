// What a person has done to fields that the operator manages, and how sure it is that they must still be as they
// left them.
import { isDeepStrictEqual } from 'node:util'
import type { Row } from './kong-replica.ts'

export interface Edit {
  readonly id: string
  readonly field: string
  readonly value: unknown
  /** `maybe`: kept and reported, or as Consul says; both are right. */
  readonly certainty: 'sure' | 'maybe'
  /** Times it was set since everything was last at rest. */
  readonly times: number
}

export class EditBook {
  readonly #edits = new Map<string, Edit>()

  all(): readonly Edit[] {
    return [...this.#edits.values()]
  }

  get(id: string, field: string): Edit | undefined {
    return this.#edits.get(`${id} ${field}`)
  }

  of(id: string): readonly Edit[] {
    return this.all().filter((edit) => edit.id === id)
  }

  set(id: string, field: string, value: unknown, certainty: Edit['certainty']): void {
    const times = (this.get(id, field)?.times ?? 0) + 1
    this.#edits.set(`${id} ${field}`, { id, field, value, certainty, times })
  }

  /** All that a write of a person has changed; what they did not name came along. */
  noteWrite(before: Row, after: Row, named: ReadonlySet<string>, certainty: Edit['certainty']): void {
    const [old, now] = [flatten(before), flatten(after)]
    for (const field of new Set([...old.keys(), ...now.keys()])) {
      const value = now.get(field)
      if (named.has(field)) this.set(after.id, field, value, certainty)
      else if (!isDeepStrictEqual(old.get(field), value)) this.set(after.id, field, value, 'maybe')
    }
  }

  clear(id: string, field?: string): void {
    for (const edit of this.of(id)) {
      if (field === undefined || edit.field === field) this.#edits.delete(`${id} ${edit.field}`)
    }
  }

  doubt(isMeant: (edit: Edit) => boolean): void {
    for (const edit of this.all())
      if (isMeant(edit)) this.#edits.set(`${edit.id} ${edit.field}`, { ...edit, certainty: 'maybe' })
  }

  /** Everything is at rest: what is still as they left it is theirs, what is not was given back. */
  settle(isKept: (edit: Edit) => boolean): void {
    for (const edit of this.all()) {
      if (isKept(edit)) this.#edits.set(`${edit.id} ${edit.field}`, { ...edit, certainty: 'sure', times: 0 })
      else this.clear(edit.id, edit.field)
    }
  }
}

const UNMANAGED = new Set(['id', 'tags', 'created_at', 'updated_at', 'ws_id'])

/** Dotted paths of a row; lists and references are values. */
export function flatten(row: Row): Map<string, unknown> {
  const fields = new Map<string, unknown>()
  const visit = (path: string, value: unknown): void => {
    const isLeaf = typeof value !== 'object' || value === null || Array.isArray(value)
    if (isLeaf || ['service', 'route', 'upstream', 'headers'].includes(path)) fields.set(path, value ?? null)
    else for (const [key, inner] of Object.entries(value)) visit(path === '' ? key : `${path}.${key}`, inner)
  }
  for (const [key, value] of Object.entries(row)) if (!UNMANAGED.has(key)) visit(key, value)
  return fields
}
