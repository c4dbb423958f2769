import { deepEqual } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { parseConfigText } from '../../../operator/kong/config-text.ts'

interface Recorded {
  readonly method: string
  readonly path: string
  readonly responseBody: { readonly config?: string }
}

const recorded = readFileSync(new URL('../../fixtures/golden/admin-dbless.jsonl', import.meta.url), 'utf8')
const texts = recorded
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)
  .filter(({ method, path }) => method === 'GET' && path === '/config')
  .map(({ responseBody }) => responseBody.config!)

test('the configuration of an empty Kong has no rows', async () => {
  deepEqual(await parseConfigText(texts[0]!), { _format_version: '3.0', _transform: false })
})

test('a recorded configuration is read collection by collection', async () => {
  const document = await parseConfigText(texts[1]!)
  deepEqual(
    Object.entries(document).map(([name, rows]) => [name, Array.isArray(rows) ? rows.length : rows]),
    [
      ['_format_version', '3.0'],
      ['_transform', false],
      ['services', 1],
      ['routes', 1],
      ['plugins', 1],
      ['upstreams', 1],
      ['targets', 2],
    ],
  )
  const [service] = document.services as { name: string; retries: number; tags: string[]; path: null }[]
  deepEqual([service!.name, service!.retries, service!.tags, service!.path], ['s1', 0, ['a'], null])
})

test('texts that look like something else, and those of many lines, are read as they were', async () => {
  const odd = [
    'y',
    'no',
    '0o14',
    '12:30:45',
    '2020-01-01',
    '1e3',
    'a\nb\n',
    ' lead',
    '#x',
    "it's",
    'é😀',
    '~',
    '',
  ]
  const rows = odd.map((message, at) => ({ id: `p${at}`, config: { message, many: [message] } }))
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB\nnop: q\n- x\n-----END CERTIFICATE-----\n'
  const document = { _format_version: '3.0', certificates: [{ id: 'c', cert: pem }], plugins: rows }
  const text = stringify(document, { version: '1.1', indentSeq: false, nullStr: '~', singleQuote: true })
  deepEqual(await parseConfigText(text), document)
})

test('a text of many lines ends as it did, also where it is the last of its row or of all', async () => {
  const pem = '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'
  const row = [
    '- id: a',
    '  rsa_public_key: |',
    ...pem
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  ]
  const text = ['jwt_secrets:', ...row, ...row, ''].join('\n')
  deepEqual(await parseConfigText(text), {
    jwt_secrets: [
      { id: 'a', rsa_public_key: pem },
      { id: 'a', rsa_public_key: pem },
    ],
  })
})
