import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { startGateway } from '../../kong/gateway/gateway.ts'
import { type Exchange, Replay, type Replayed, readExchanges } from '../support/recorded-exchange.ts'
import { waitFor } from '../support/wait-for.ts'

/** With KONG_ADMIN_URL of a DB-less Kong the recording is held against that Kong, else against a dev gateway of our own. */
const realUrl = process.env['KONG_ADMIN_URL']?.split(',')[0]?.replace(/\/$/, '')

/** A Kong with a database answers 400 here. GET / is not asked: Kong 3.9 may fail at it. */
const isDbless = async (adminUrl: string): Promise<boolean> => (await fetch(`${adminUrl}/config`)).ok

const usesReal = realUrl !== undefined && (await isDbless(realUrl))
const subject = usesReal
  ? `the Kong without database at ${realUrl}`
  : realUrl === undefined
    ? 'a dev gateway without database'
    : `a dev gateway without database (the Kong at ${realUrl} has one)`

interface Target {
  readonly adminUrl: string
  close(): Promise<void>
}

const EMPTY = JSON.stringify({ _format_version: '3.0' })
const headers = { 'content-type': 'application/json' }

async function startTarget(): Promise<Target> {
  if (usesReal) {
    const config = ((await (await fetch(`${realUrl}/config`)).json()) as { config: string }).config
    const lists = Object.keys(parse(config) as object).filter((key) => !key.startsWith('_'))
    if (lists.length > 0) {
      throw new Error(`the replay needs an empty Kong, but ${realUrl} has ${lists}: nothing was changed`)
    }
    const close = async () => {
      // A mark outlives its upstream by five minutes, and would be in the way of the next run.
      await fetch(`${realUrl}/upstreams/u1/targets/127.0.0.1:19001/healthy`, { method: 'PUT' })
      await fetch(`${realUrl}/config`, { method: 'POST', headers, body: EMPTY })
    }
    return { adminUrl: realUrl as string, close }
  }
  const log = { debug() {}, info() {}, warn() {}, error: console.error }
  const env = { KONG_WORKER_STATE_UPDATE_FREQUENCY: '0.1' }
  const gateway = await startGateway({ proxyPort: 0, adminPort: 0, dbless: true, log, env })
  return { adminUrl: `http://127.0.0.1:${gateway.adminPort}`, close: () => gateway.close() }
}

// biome-ignore lint/suspicious/noExplicitAny: bodies of Kong, read field by field; a missing one fails the test
type Body = Readonly<Record<string, any>>

const NO_CONFIG_HASH = '0'.repeat(32)

/** Answers of which only some fields are kongsul's business. */
const PARTLY_COMPARED: Readonly<Record<string, (body: Body) => unknown>> = {
  '/': ({ version, configuration, plugins }) => ({
    version,
    database: configuration.database,
    hasPlugin: plugins.available_on_server['key-auth'],
  }),
  '/status': ({ configuration_hash: hash, database }) => ({
    isEmpty: hash === NO_CONFIG_HASH,
    length: hash.length,
    database,
  }),
}

function compare(replay: Replay, exchange: Exchange, answer: Replayed): void {
  equal(answer.status, exchange.status, JSON.stringify(answer.body))
  equal(answer.headers.get('content-type'), exchange.responseHeaders['content-type'] ?? null)
  const partly = PARTLY_COMPARED[exchange.path]
  if (partly) {
    deepEqual(partly(answer.body as Body), partly(exchange.responseBody as Body))
    return
  }
  deepEqual(comparable(replay.actual(exchange, answer)), comparable(replay.recorded(exchange)))
}

const TIMES = ['created_at', 'updated_at']

/** The text of GET /config as what it says; lists in the order of their members, times left out. */
function comparable(body: unknown): unknown {
  const { config } = body as { config?: unknown }
  return typeof config === 'string' ? sorted(parse(config)) : sorted(body)
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const members = value.map((member) => JSON.stringify(sorted(member)))
    return members.sort().map((text) => JSON.parse(text))
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([key]) => !TIMES.includes(key))
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]),
  )
}

const titleOf = (exchange: Exchange, index: number): string =>
  `${index + 1}: ${exchange.method} ${exchange.path} is answered ${exchange.status}${exchange.note ? ` (${exchange.note})` : ''}`

describe(`${subject} answers like the recorded Kong`, () => {
  let target: Target
  let replay: Replay

  before(async () => {
    target = await startTarget()
    replay = new Replay(target.adminUrl)
  })
  after(() => target?.close())

  for (const [index, exchange] of readExchanges('admin-dbless.jsonl').entries()) {
    test(titleOf(exchange, index), async () => {
      const isAboutHealth = /\/health|healthy$/.test(exchange.path)
      if (!isAboutHealth) compare(replay, exchange, await replay.send(exchange))
      else {
        // A balancer that is being built says so.
        await waitFor(async () => {
          compare(replay, exchange, await replay.send(exchange))
          return true
        })
      }
    })
  }
})

describe(`${subject} judges a configuration as a whole`, () => {
  let target: Target
  const post = async (config: unknown, query = ''): Promise<{ status: number; body: Body }> => {
    const isText = typeof config === 'string'
    const response = await fetch(`${target.adminUrl}/config${query}`, {
      method: 'POST',
      headers: isText ? { 'content-type': 'text/yaml' } : headers,
      body: isText ? config : JSON.stringify(config),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) }
  }
  const names = async (collection: string): Promise<readonly string[]> => {
    const { data } = (await (await fetch(`${target.adminUrl}/${collection}`)).json()) as Body
    return data.map((row: Body) => row['name'] ?? row['username'])
  }

  before(async () => {
    target = await startTarget()
  })
  after(() => target?.close())

  test('the same text twice is taken once when its hash is to be checked', async () => {
    const text = '_format_version: "3.0"\nservices:\n- {name: once, host: once.test}\n'
    equal((await post(text, '?check_hash=1')).status, 201)
    equal((await post(text, '?check_hash=1')).status, 304)
    equal((await post(text)).status, 201)
  })

  test('a refused configuration changes nothing', async () => {
    await post({ _format_version: '3.0', services: [{ name: 'kept', host: 'kept.test' }] })
    const refused = await post({
      _format_version: '3.0',
      services: [
        { name: 'fine', host: 'fine.test' },
        { name: 'wrong', host: 'wrong.test', port: -1 },
      ],
    })
    equal(refused.status, 400)
    deepEqual(await names('services'), ['kept'])
  })

  test('what the next configuration does not have is gone, with all below it', async () => {
    const upstreams = [{ name: 'gone', targets: [{ target: '127.0.0.1:1' }] }]
    await post({
      _format_version: '3.0',
      upstreams,
      consumers: [{ username: 'gone', acls: [{ group: 'g' }] }],
    })
    deepEqual(await names('upstreams'), ['gone'])
    deepEqual((await post({ _format_version: '3.0' })).body, {})
    deepEqual([await names('upstreams'), await names('consumers')], [[], []])
  })

  test('references work by name and by id, whatever comes first', async () => {
    const id = '0b9de7a0-9d2a-4b3e-8c5e-3f8a3f0e9a11'
    const { status, body } = await post({
      _format_version: '3.0',
      routes: [
        { name: 'by-name', paths: ['/n'], service: 'web' },
        { name: 'by-id', paths: ['/i'], service: id },
      ],
      services: [{ id, name: 'web', host: 'web.test' }],
    })
    equal(status, 201)
    deepEqual(
      Object.values(body['routes'] as Body).map(({ service }) => service.id),
      [id, id],
    )
  })

  test('a reference to nothing is named, and is in no list of entities', async () => {
    const config = { _format_version: '3.0', routes: [{ name: 'r', paths: ['/r'], service: 'nobody' }] }
    const { status, body } = await post(config)
    equal(status, 400)
    deepEqual(body['fields'], {
      routes: { r: ["invalid reference 'service: nobody' (no such entry in 'services')"] },
    })
    deepEqual((await post(config, '?flatten_errors=1')).body['flattened_errors'], {})
  })

  test('text that is no configuration is refused with where it went wrong', async () => {
    const { status, body } = await post('a: [')
    equal(status, 400)
    ok(body['fields'].error.startsWith('failed parsing declarative configuration: '))
    equal(
      (await post('a plain text')).body['fields'].error,
      'failed parsing declarative configuration: expected an object',
    )
  })
})
