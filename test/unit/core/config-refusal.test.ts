import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { flattenedRefusals, unflattenedRefusals } from '../../../operator/core/config-refusal.ts'
import type { Json } from '../../../operator/core/entity.ts'

const tags = (service: string) => ['managed-by:kongsul', 'kongsul.mesh:default', `kongsul.service:${service}`]

test('a refused entity is its service, with field and reason', () => {
  const answer = {
    flattened_errors: [
      {
        entity_type: 'target',
        entity_id: 't1',
        entity_tags: tags('web'),
        errors: [{ field: 'weight', type: 'field', message: 'value should be between 0 and 65535' }],
      },
      {
        entity_type: 'route',
        entity_name: 'theirs',
        errors: [{ type: 'entity', message: 'already declared' }],
      },
    ],
  }
  deepEqual(
    [...flattenedRefusals(answer)],
    [
      ['web', 'target t1 weight: value should be between 0 and 65535'],
      ['', 'route theirs already declared'],
    ],
  )
})

test('entities of others are named together, whatever Kong recorded of them', () => {
  const recorded = readFileSync(new URL('../../fixtures/golden/admin-dbless.jsonl', import.meta.url), 'utf8')
  const answers = recorded
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; status: number; responseBody: Json })
    .filter(({ path, status }) => path.startsWith('/config?flatten') && status === 400)
    .map(({ responseBody }) => [...flattenedRefusals(responseBody)].map(([service]) => service))
  deepEqual(answers, [[''], [''], []])
})

test('a reference to what is not there is found by the name of who refers to it', () => {
  const document = { routes: [{ id: 'r1', name: 'mesh.web.host', tags: tags('web') }] }
  const answer = { fields: { routes: { 'mesh.web.host': ["invalid reference 'service: x'"] } } }
  deepEqual(
    [...unflattenedRefusals(answer, document)],
    [['web', 'routes mesh.web.host ["invalid reference \'service: x\'"]']],
  )
})

test('an answer that says nothing accuses nobody', () => {
  for (const answer of [undefined, null, 'html', {}, { flattened_errors: {} }, { fields: [] }] as Json[]) {
    deepEqual([...flattenedRefusals(answer), ...unflattenedRefusals(answer, {})], [])
  }
})
