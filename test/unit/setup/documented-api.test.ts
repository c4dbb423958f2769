import { equal, match } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type ApiDocument, apiPage, apiText } from '../../../operator/setup/documented-api.ts'

test('docs/api.md is what the code makes', async () => {
  const docs = join(import.meta.dirname, '..', '..', '..', 'docs', 'api.md')
  equal(readFileSync(docs, 'utf8'), await apiText(), 'npm run generate')
})

test('every route is in one section, with what it takes and an example', () => {
  const doors = ['read', 'write', 'call', 'ingest', 'legacy', 'open', 'internal']
  const operation = (door: string) => ({
    summary: `does ${door}`,
    'x-door': door,
    parameters: [{ name: 'limit', in: 'query', required: false, schema: {} }],
    requestBody: {
      content: {
        'application/json': {
          schema: { properties: { kind: { enum: ['a', 'b'] } }, required: ['kind'] },
          example: { kind: 'a' },
        },
      },
    },
  })
  const paths = Object.fromEntries(doors.map((door) => [`/api/v1/${door}`, { get: operation(door) }]))
  const text = apiPage({ paths } as unknown as ApiDocument)
  for (const door of doors) {
    equal(text.split(`| does ${door} |`).length, 2, door)
    match(
      text,
      new RegExp(
        `^\\| .GET /api/v1/${door}. .*query: \\*limit\\*; body: .kind. \\(a, b\\); e\\.g\\. .\\{"kind":"a"\\}`,
        'm',
      ),
    )
  }
})
