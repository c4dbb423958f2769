import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Signer } from '../../../operator/client/signer.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'
import { privateKeyText } from '../../../operator/identity/private-key-file.ts'

const pair = createKeyPair()
const text = privateKeyText('mesh.web.k1', pair.privateKey)
const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
const partsOf = (header: string) => header.replace('Bearer ', '').split('.') as [string, string, string]
const noFault = (error: Error) => assert.fail(error)

test('a token names the issuer, lasts under five minutes and is signed with the key of the service', () => {
  const signer = new Signer({ identity: { text }, nowMs: () => 1_000_000_500, onFault: noFault })
  const [head, body, signature] = partsOf(signer.authorization())
  assert.deepEqual(decoded(head), { alg: 'ES256', typ: 'JWT' })
  assert.deepEqual(decoded(body), { iss: 'mesh.web.k1', iat: 1_000_000, exp: 1_000_240 })
  const key = { key: createPublicKey(pair.publicKey), dsaEncoding: 'ieee-p1363' as const }
  assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')))
})

test('a token is used again until half of its time is over, whatever the clock does', () => {
  let nowMs = 1_000_000_000
  const signer = new Signer({ identity: { text }, nowMs: () => nowMs, onFault: noFault })
  const first = signer.authorization()
  nowMs += 119_000
  assert.equal(signer.authorization(), first)
  nowMs += 2_000
  const second = signer.authorization()
  assert.notEqual(second, first)
  nowMs -= 3_600_000
  assert.notEqual(signer.authorization(), second)
})

test('a new key in the file is used with the next token, and a file that went wrong leaves the last key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-signer-'))
  const file = join(folder, 'web.key')
  const faults: string[] = []
  let nowMs = 1_000_000_000
  try {
    writeFileSync(file, text)
    const signer = new Signer({
      identity: { file },
      nowMs: () => nowMs,
      onFault: ({ message }) => faults.push(message),
    })
    const issuer = () => {
      nowMs += 121_000
      return decoded(partsOf(signer.authorization())[1]).iss
    }
    assert.equal(issuer(), 'mesh.web.k1')
    writeFileSync(file, privateKeyText('mesh.web.k2', createKeyPair().privateKey))
    utimesSync(file, 1, 1)
    assert.equal(issuer(), 'mesh.web.k2')
    writeFileSync(file, 'nothing')
    utimesSync(file, 2, 2)
    assert.equal(issuer(), 'mesh.web.k2')
    assert.match(faults[0]!, /holds no private key/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is no identity is refused at once', () => {
  for (const wrong of ['', pair.privateKey, privateKeyText('mesh.web.k1', pair.publicKey)])
    assert.throws(
      () => new Signer({ identity: { text: wrong }, nowMs: Date.now, onFault: noFault }),
      TypeError,
    )
})
