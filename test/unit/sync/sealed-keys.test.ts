import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import { seal } from '../../../operator/secrets/seal.ts'
import { SealedKeys } from '../../../operator/sync/sealed-keys.ts'
import { waitFor } from '../../support/wait-for.ts'

const key = randomBytes(32)

test('keys are read where one is not known, and one that cannot be opened is told by its place', async () => {
  const identity = (kid: string) =>
    newIdentity({ service: 'web', kid, publicKey: null, by: 'ada', nowMs: 0, lastsMs: null })
  let reads = 0
  let told = 0
  const rows = [
    { Key: 'mesh-secrets/identities/web/k1', Value: seal('secret', key, 'mesh-secrets/identities/web/k1') },
    {
      Key: 'mesh-secrets/identities/web/k2',
      Value: seal('stolen', key, 'mesh-secrets/identities/web/other'),
    },
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
  assert.match(keys.problems([identity])[0]!.message, /secrets.keyFile is not set/)
})
