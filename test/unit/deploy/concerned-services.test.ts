import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { concernedServices } from '../../../operator/cli/deploy/concerned-services.ts'
import { type Entity, type Json, keyOf } from '../../../operator/core/entity.ts'
import type { PlannedChange } from '../../../operator/core/plan-report.ts'

const change = (action: PlannedChange['action'], name: string, service: string): PlannedChange => ({
  ...{ action, kind: 'route', id: `id-${name}`, name, service, fields: {} },
})
const entity = (name: string, owner: string, parent = '', fields: Record<string, Json> = {}): Entity => ({
  ...{ kind: 'route', id: `id-${name}`, name, owner, parent, fields, tags: [] },
})
const state = (...entities: Entity[]) => new Map(entities.map((each) => [keyOf(each), each]))
const told = (...args: Parameters<typeof concernedServices>) => [...concernedServices(...args)].sort()

test('what Kong lacks of other services anyway is none of its business', () => {
  const before = [change('create', 'api.host', 'api')]
  const after = [...before, change('create', 'web.host', 'web')]
  deepEqual(told(['web'], { before, after, wanted: state() }), ['web'])
})

test('a service that loses a host to one of the file, or gets it back, is written too', () => {
  const before = [change('create', 'api.host', 'api')]
  const after = [change('create', 'web.host', 'web'), change('delete', 'old.host', 'old')]
  deepEqual(told(['web'], { before, after, wanted: state() }), ['api', 'old', 'web'])
})

test('so is one without whose entities those of the file cannot be written, and what that one needs', () => {
  const lacking = [
    change('create', 'api', 'api'),
    change('create', 'store', 'store'),
    change('create', 'other', 'other'),
    change('create', 'web', 'web'),
  ]
  const wanted = state(
    entity('web', 'web', 'id-api'),
    entity('api', 'api', '', { service: { id: 'id-store' } }),
    entity('store', 'store'),
    entity('other', 'other'),
  )
  deepEqual(told(['web'], { before: lacking, after: lacking, wanted }), ['api', 'store', 'web'])
})
