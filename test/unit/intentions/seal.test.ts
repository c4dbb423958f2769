import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import { seal, sealKeyOf, unseal } from '../../../operator/identity/seal.ts'
import { SealedKeys } from '../../../operator/sync/sealed-keys.ts'
import { waitFor } from '../../support/wait-for.ts'

const key = randomBytes(32)

test('what was sealed is opened with the same key, for the same name, and in no other way', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), (name, secret, at) => {
      const sealed = seal(key, name, secret)
      assert.equal(unseal(key, name, sealed), secret)
      assert.equal(unseal(randomBytes(32), name, sealed), null)
      assert.equal(unseal(key, `${name}x`, sealed), null)
      const index = at % sealed.length
      const other = sealed[index] === 'A' ? 'B' : 'A'
      const changed = sealed.slice(0, index) + other + sealed.slice(index + 1)
      const isSameBytes = changed
        .split('.')
        .every((part, i) =>
          Buffer.from(part, 'base64url').equals(Buffer.from(sealed.split('.')[i] ?? '', 'base64url')),
        )
      if (!isSameBytes) assert.equal(unseal(key, name, changed), null)
    }),
  )
})

test('a key is 32 bytes in base64 or hex, and nothing else', () => {
  assert.deepEqual(sealKeyOf(`${key.toString('base64')}\n`), key)
  assert.deepEqual(sealKeyOf(key.toString('hex')), key)
  for (const wrong of ['', 'short', key.subarray(1).toString('base64')])
    assert.throws(() => sealKeyOf(wrong), /32 bytes/)
})

test('keys are read where one is not known, and one that cannot be opened is told by its place', async () => {
  const identity = (kid: string) =>
    newIdentity({ service: 'web', kid, publicKey: null, by: 'ada', nowMs: 0, lastsMs: null })
  let reads = 0
  let told = 0
  const rows = [
    { Key: 'mesh-secrets/identities/web/k1', Value: seal(key, 'web/k1', 'secret') },
    { Key: 'mesh-secrets/identities/web/k2', Value: seal(key, 'web/other', 'stolen') },
  ]
  const keys = new SealedKeys({
    reader: { keys: async () => ({ body: rows as never, index: BigInt(++reads) }) },
    sealKey: key,
    signal: new AbortController().signal,
    onChange: () => {
      told += 1
    },
  })
  keys.review([])
  assert.equal(reads, 0)
  keys.review([identity('k1'), identity('k2')])
  await waitFor(() => told === 1)
  assert.deepEqual([...keys.opened], [['web/k1', 'secret']])
  const [problem] = keys.problems([identity('k1'), identity('k2')])
  assert.match(
    problem!.message,
    /^KV mesh-secrets\/identities\/web\/k2: it is not there, or was sealed with another key/,
  )
  keys.review([identity('k1')])
  assert.equal(reads, 1)
})

test('without a key to open them nothing is read, and that is told', () => {
  const keys = new SealedKeys({
    reader: { keys: () => assert.fail('nothing is to be read') },
    sealKey: null,
    signal: new AbortController().signal,
    onChange: () => {},
  })
  const identity = newIdentity({
    service: 'web',
    kid: 'k1',
    publicKey: null,
    by: 'ada',
    nowMs: 0,
    lastsMs: null,
  })
  keys.review([identity])
  assert.match(keys.problems([identity])[0]!.message, /identities.keyFile is not set/)
})
