import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { applyLines } from '../../../operator/cli/apply-lines.ts'
import type { ApplyResult } from '../../../operator/sync/apply-now.ts'
import type { ChangedEntity } from '../../../operator/sync/change-log.ts'

const update = (...fields: string[]): ChangedEntity => ({
  action: 'update',
  kind: 'service',
  id: 's1',
  name: 'mesh.web',
  fields: fields.map((field) => ({ field, from: 1, to: 2 })),
})
const result = (given: Partial<ApplyResult>, diff: readonly ChangedEntity[] = []): ApplyResult => ({
  service: 'web',
  pending: [],
  paused: [],
  changes: [
    {
      ...{ id: 1, time: '2030-01-01T00:00:00Z', node: 'http://kong', service: 'web', reason: '' },
      ...{ result: 'applied', error: null, tries: 1, duration: 12, diff },
    },
  ],
  ...given,
})

test('what was written is told with the fields that changed', () => {
  deepEqual(applyLines(result({}, [update('retries', 'read_timeout')])), [
    'web: 1 change in 12 ms',
    '  update service mesh.web: retries, read_timeout',
    'web is as Consul says.',
  ])
})

test('a service that is paused is told as paused, with what ends it', () => {
  deepEqual(applyLines(result({ pending: ['web'], paused: ['web'], changes: [] })), [
    'Paused, so not in Kong yet: web. kongsul status says who paused it, kongsul resume ends it.',
  ])
})

test('what is not in Kong yet is told apart from what is paused', () => {
  deepEqual(applyLines(result({ service: null, pending: ['api', 'web'], paused: ['web'], changes: [] })), [
    'Not in Kong yet: api. See kongsul status.',
    'Paused, so not in Kong yet: web. kongsul status says who paused it, kongsul resume ends it.',
  ])
})
