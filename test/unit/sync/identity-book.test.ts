import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { identityKey, identityText, secretKey } from '../../../operator/core/intentions/identities.ts'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'
import { unseal } from '../../../operator/secrets/seal.ts'
import { IdentityBook } from '../../../operator/sync/identity-book.ts'
import { SealedKeys } from '../../../operator/sync/sealed-keys.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { waitFor } from '../../support/wait-for.ts'

const pair = createKeyPair()

describe('the identities of KV', () => {
  let kv: Map<string, string>
  let book: IdentityBook
  let changes: number
  let known: Set<string>

  const begin = (sealKey: Buffer | null = null): void => {
    book = new IdentityBook({
      writer: {
        force: async (key, text) => void (text === null ? kv.delete(key) : kv.set(key, text)),
        write: async ({ key, text }) => (text === null ? kv.delete(key) : true),
        close: () => {},
      },
      sealed: new SealedKeys({
        reader: { keys: () => assert.fail('all keys are known') },
        sealKey,
        signal: new AbortController().signal,
        onChange: () => book.keysChanged(),
      }),
      log: silentLogger,
      isActive: () => true,
      graceMs: () => 60_000,
      hasKey: (service, kid) => known.has(`${service}/${kid}`) || book.list(service).length > 0,
      onChange: () => {
        changes += 1
      },
    })
  }
  const rows = () => new Map([...kv].map(([key, text]) => [key, { text, index: 1 }]))
  const wish = { service: 'web', method: 'jwt', publicKey: null, by: 'ada', lastsMs: null } as const

  beforeEach(() => {
    kv = new Map()
    changes = 0
    known = new Set()
    begin()
  })
  afterEach(() => book.stop())

  test('a pair that is made here is told once, and only its public half is kept', async () => {
    book.setRows(rows())
    const { identity, privateKey, isInKong } = await book.issue(wish)
    assert.match(privateKey!, /PRIVATE KEY/)
    assert.equal(isInKong, true)
    assert.deepEqual(book.list('web'), [identity])
    assert.deepEqual([...kv.keys()], [identityKey('web', identity.kid)])
    assert.ok(![...kv.values()].some((text) => text.includes('PRIVATE')))
  })

  test('with a public key of the caller’s there is no private one to tell, and what is none is refused by name', async () => {
    assert.equal((await book.issue({ ...wish, publicKey: pair.publicKey })).privateKey, null)
    await assert.rejects(
      book.issue({ ...wish, publicKey: pair.privateKey }),
      /public_key: must be a public key/,
    )
  })

  test('a service without identity has none to rotate or revoke, nor a key that it has not', async () => {
    await assert.rejects(book.rotate(wish, null), /web has no identity/)
    await assert.rejects(book.revoke('web', null), /web has no identity/)
    await book.issue(wish)
    await assert.rejects(book.revoke('web', 'other'), /web has no key other/)
    assert.equal((await book.revoke('web', null)).length, 1)
    assert.deepEqual([book.list(), kv.size], [[], 0])
  })

  test('a key ends on time without anybody writing, and its row goes', async () => {
    const ending = newIdentity({
      service: 'web',
      kid: 'k1',
      publicKey: pair.publicKey,
      by: '',
      nowMs: Date.now(),
      lastsMs: 60,
    })
    kv.set(identityKey('web', 'k1'), identityText(ending))
    book.setRows(rows())
    assert.equal(book.list('web').length, 1)
    await waitFor(() => book.list('web').length === 0 && kv.size === 0)
    assert.equal(changes, 2)
  })

  test('the same rows are the same callers: nothing is decided anew for them', () => {
    kv.set(
      identityKey('web', 'k1'),
      identityText(
        newIdentity({
          service: 'web',
          kid: 'k1',
          publicKey: pair.publicKey,
          by: '',
          nowMs: 0,
          lastsMs: null,
        }),
      ),
    )
    book.setRows(rows())
    const { callers } = book
    book.setRows(rows())
    assert.deepEqual([book.callers === callers, changes], [true, 1])
  })

  test('a key of key-auth is kept sealed beside its identity, and goes with it', async () => {
    const sealKey = randomBytes(32)
    begin(sealKey)
    const { identity, apiKey } = await book.issue({ ...wish, method: 'key-auth' })
    const place = secretKey('web', identity.kid)
    assert.equal(unseal(kv.get(place)!, sealKey, place), apiKey)
    assert.equal(book.callers?.keys.get(`web/${identity.kid}`), apiKey)
    assert.ok(![...kv.values()].some((text) => text.includes(apiKey!)))
    await book.revoke('web', identity.kid)
    assert.equal(kv.size, 0)
  })

  test('without secrets.keyFile there are no keys of key-auth', async () => {
    await assert.rejects(book.issue({ ...wish, method: 'key-auth' }), /secrets.keyFile/)
  })
})
