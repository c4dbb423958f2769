import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { RowChange } from '../../../operator/core/restore-plan.ts'
import type { KongAdmin } from '../../../operator/kong/kong-admin.ts'
import { kongError } from '../../../operator/kong/kong-error.ts'
import { RowError, restoreStep } from '../../../operator/kong/snapshot.ts'

const update = (path: string, row: RowChange['row']): RowChange => ({ action: 'update', path, row })

/** A Kong in which names are unique, as far as it matters here. */
function fakeKong(names: Record<string, string>) {
  const calls: string[] = []
  const call = async (method: string, path: readonly string[], body?: { name?: string }) => {
    calls.push(`${method} /${path.join('/')}`)
    const id = path.at(-1)!
    const isTaken = Object.entries(names).some(([other, name]) => other !== id && name === body?.name)
    if (isTaken) throw kongError(method, `/${path.join('/')}`, 409, { message: 'UNIQUE violation' })
    if (body?.name !== undefined) names[id] = body.name
    return undefined
  }
  return { admin: { call } as unknown as KongAdmin, calls, names }
}

test('a row that wants the name another still has comes after that', async () => {
  const { admin, names } = fakeKong({ a: '2', b: '3', c: '4' })
  let done = 0
  const rows = ['a', 'b', 'c'].map((id, at) => update('upstreams', { id, name: String(at + 1) }))
  await restoreStep(admin, rows, () => done++)
  deepEqual([names, done], [{ a: '1', b: '2', c: '3' }, 3])
})

test('the row that Kong refuses is told', async () => {
  const { admin } = fakeKong({ a: '2', b: '1' })
  const rows = [update('upstreams', { id: 'a', name: '1' }), update('upstreams', { id: 'b', name: '2' })]
  const isOfA = (error: unknown) => error instanceof RowError && error.change.row.id === 'a'
  await rejects(
    restoreStep(admin, rows, () => {}),
    isOfA,
  )
})

test('a certificate is patched: a PUT would take its names from it', async () => {
  const { admin, calls } = fakeKong({})
  await restoreStep(admin, [update('certificates', { id: 'c', cert: 'x', snis: ['a.test'] })], () => {})
  deepEqual(calls, ['PATCH /certificates/c'])
})
