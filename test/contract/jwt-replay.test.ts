// The jwt plugin with acl, as recorded: each row says which token was sent, and what became of it.
import { deepEqual, equal } from 'node:assert/strict'
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongUnderTest, startKongUnderTest } from '../support/kong-under-test.ts'
import { configureAsRecorded, type RecordedConfig } from '../support/recorded-kong.ts'
import { waitFor } from '../support/wait-for.ts'

interface Recording {
  readonly config: RecordedConfig
  readonly rows: readonly Row[]
}

interface Row {
  readonly what: string
  readonly path: string
  readonly response: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body?: unknown
    readonly upstream?: Readonly<Record<string, string>>
  }
}

const recording: Recording = JSON.parse(
  readFileSync(new URL('../fixtures/golden/jwt-behaviour.json', import.meta.url), 'utf8'),
)

const pairOf = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const keys = new Map(recording.config.consumers.map(({ username }) => [username!, pairOf()]))
const pemOf = (name: string) => String(keys.get(name)!.publicKey.export({ type: 'spki', format: 'pem' }))
const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

function tokenOf(claims: object, key: KeyObject): string {
  const text = `${b64({ alg: 'ES256', typ: 'JWT' })}.${b64(claims)}`
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

const of = (name: string, exp: number | null = 60) =>
  tokenOf({ iss: name, ...(exp === null ? {} : { exp: inSeconds(exp) }) }, keys.get(name)!.privateKey)

function symmetric(): string {
  const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64({ iss: 'svc-orders', exp: inSeconds(60) })}`
  return `${text}.${createHmac('sha256', pemOf('svc-orders')).update(text).digest('base64url')}`
}

const FORGED = {
  'x-consumer-username': 'root',
  'x-consumer-groups': 'admins',
  'x-consumer-id': 'me',
  'x-credential-identifier': 'me',
}

/** Headers of the request that a row is about. */
const REQUESTS: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  'no token': () => ({}),
  'good token, allowed': () => bearer(of('svc-orders')),
  'good token, group not allowed': () => bearer(of('svc-web')),
  'signed with another key': () =>
    bearer(tokenOf({ iss: 'svc-orders', exp: inSeconds(60) }, pairOf().privateKey)),
  expired: () => bearer(of('svc-orders', -60)),
  'no exp claim': () => bearer(of('svc-orders', null)),
  'unknown iss': () =>
    bearer(tokenOf({ iss: 'nobody', exp: inSeconds(60) }, keys.get('svc-orders')!.privateKey)),
  'no iss': () => bearer(tokenOf({ exp: inSeconds(60) }, keys.get('svc-orders')!.privateKey)),
  'alg none': () => bearer(`${b64({ alg: 'none' })}.${b64({ iss: 'svc-orders', exp: inSeconds(60) })}.`),
  'alg HS256 with the public key as secret': () => bearer(symmetric()),
  garbage: () => bearer('garbage'),
  'lower-case scheme': () => ({ authorization: `bearer ${of('svc-orders')}` }),
  'client sends X-Consumer headers itself': () => ({ ...FORGED, ...bearer(of('svc-orders')) }),
  'deny list, denied group': () => bearer(of('svc-web')),
  'deny list, other group': () => bearer(of('svc-orders')),
  'exp beyond maximum_expiration': () => bearer(of('svc-orders', 3_600)),
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

let kong: KongUnderTest
let echo: EchoServer

before(async () => {
  echo = await startEchoServer()
  kong = await startKongUnderTest()
  // The recording leaves the keys out.
  const consumers = recording.config.consumers.map(({ jwt_secrets: secrets = [], ...consumer }) => ({
    ...consumer,
    jwt_secrets: secrets.map((each) => ({ ...each, rsa_public_key: pemOf(consumer.username!) })),
  }))
  await configureAsRecorded(kong, { ...recording.config, consumers }, echo.port)
  const isLive = async () => {
    const answers = await Promise.all(['/j', '/jd'].map((path) => kong.request({ path })))
    return answers.every(({ status }) => status === 401)
  }
  await waitFor(isLive, { pollMs: 100, what: 'the plugins being live' })
})

after(async () => {
  await kong?.close()
  await echo?.close()
})

for (const { what, path, response } of recording.rows) {
  test(`${what} (${path}): the client and the upstream see what was recorded`, async () => {
    const headers = REQUESTS[what]!()
    const answer = await kong.request({ path, headers })
    const named = Object.keys(response.headers).filter((name) => name !== 'server' && name !== 'via')
    deepEqual(
      [answer.status, ...named.map((name) => answer.headers[name])],
      [response.status, ...named.map((name) => response.headers[name])],
    )
    const body = JSON.parse(answer.text)
    if (response.upstream === undefined) {
      deepEqual('request_id' in body ? { ...body, request_id: '<id>' } : body, response.body)
      return
    }
    const seen = Object.entries<string>(body.headers).filter(([name]) => /^(?:x-c|x-anon|auth)/.test(name))
    const shown = Object.fromEntries(seen)
    deepEqual(
      { ...shown, authorization: shown['authorization'] === headers['authorization'] && '<token>' },
      { ...response.upstream, 'x-consumer-id': shown['x-consumer-id'] },
    )
  })
}

test('a token whose signature has another length than its algorithm says is no way in', async () => {
  const { status } = await kong.request({ path: '/j', headers: bearer(`${of('svc-orders')}AAAA`) })
  equal(status, 500)
})

test('two different tokens are none', async () => {
  const answer = await kong.request({
    path: `/jd?jwt=${of('svc-orders')}`,
    headers: bearer(of('svc-orders', 90)),
  })
  deepEqual([answer.status, JSON.parse(answer.text)], [401, { message: 'Multiple tokens provided' }])
})
