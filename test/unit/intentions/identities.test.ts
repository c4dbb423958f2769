import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import {
  identitiesIn,
  identityKey,
  identityText,
  nextEndMs,
} from '../../../operator/core/intentions/identities.ts'
import { newIdentity, revocationWrites, rotationWrites } from '../../../operator/core/intentions/issue.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const pair = createKeyPair()
const made = (kid: string, rest: Partial<Parameters<typeof newIdentity>[0]> = {}) =>
  newIdentity({
    service: 'web',
    kid,
    publicKey: pair.publicKey,
    by: 'ada',
    nowMs: NOW,
    lastsMs: null,
    ...rest,
  })
const rows = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([key, text]) => [key, { text, index: 1 }]))

test('what is written to KV is read back as it was', () => {
  const identity = made('k1', { lastsMs: 60_000 })
  const { list, problems } = identitiesIn(rows({ [identityKey('web', 'k1')]: identityText(identity) }), NOW)
  assert.deepEqual([list, problems], [[identity], []])
})

test('a key that is over is nobody’s, and is named for removal', () => {
  const key = identityKey('web', 'k1')
  const read = identitiesIn(rows({ [key]: identityText(made('k1', { lastsMs: 60_000 })) }), NOW + 60_000)
  assert.deepEqual([read.list, read.expired], [[], [key]])
})

test('a row that is no identity lets nobody in and is told by its key', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  })
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({
    type: 'spki',
    format: 'pem',
  })
  const jwt = { algorithm: 'ES256', created: '2026-01-01T00:00:00Z' }
  const bad: Record<string, unknown> = {
    'a private key': { ...jwt, public_key: pair.privateKey },
    'a key of RSA': { ...jwt, public_key: String(rsa) },
    'another curve': { ...jwt, public_key: String(p384) },
    'no key': jwt,
    'a shared secret': { ...jwt, algorithm: 'HS256', public_key: pair.publicKey },
    'no time': { algorithm: 'ES256', public_key: pair.publicKey },
    'a bad end': { ...jwt, public_key: pair.publicKey, expires: 'soon' },
    'another method': { ...jwt, method: 'basic', public_key: pair.publicKey },
    'no object': null,
  }
  for (const [what, value] of Object.entries(bad)) {
    const { list, problems } = identitiesIn(rows({ 'mesh/identities/web/k1': JSON.stringify(value) }), NOW)
    assert.deepEqual([list, problems[0]?.code, problems[0]?.service], [[], 'IDENTITY_INVALID', 'web'], what)
    assert.match(problems[0]!.message, /^KV mesh\/identities\/web\/k1: /, what)
  }
  assert.equal(identitiesIn(rows({ 'mesh/identities/web/k1': '{' }), NOW).problems.length, 1)
  assert.equal(identitiesIn(rows({ 'mesh/identities/web': '{}' }), NOW).problems.length, 1)
})

test('a rotation makes the new key first, and gives the old ones an end, never a later one', () => {
  const old = made('k1')
  const ending = made('k2', { lastsMs: 1_000 })
  const writes = rotationWrites([old, ending], made('k3'), 60_000)
  assert.deepEqual(
    writes.map(({ key }) => key),
    ['k3', 'k1', 'k2'].map((kid) => identityKey('web', kid)),
  )
  const ends = writes.map(({ text }) => JSON.parse(text!).expires)
  assert.deepEqual(ends, [null, '2026-01-01T00:01:00.000Z', '2026-01-01T00:00:01.000Z'])
})

test('a rotation without grace takes the old keys away', () => {
  assert.deepEqual(rotationWrites([made('k1')], made('k2'), 0)[1], {
    key: identityKey('web', 'k1'),
    text: null,
  })
})

test('one key is revoked, or all of them', () => {
  const own = [made('k1'), made('k2')]
  assert.deepEqual(revocationWrites(own, 'k2'), [{ key: identityKey('web', 'k2'), text: null }])
  assert.equal(revocationWrites(own, null).length, 2)
})

test('the first end is known, so that it is heeded on time', () => {
  assert.equal(nextEndMs([made('k1'), made('k2', { lastsMs: 5 }), made('k3', { lastsMs: 9 })]), NOW + 5)
  assert.equal(nextEndMs([made('k1')]), null)
})
