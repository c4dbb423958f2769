import { deepEqual, equal, match, notEqual, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCertificateDocument } from '../../../operator/core/certificates/certificate-document.ts'
import {
  CERTIFICATES_OWNER,
  type Certificates,
} from '../../../operator/core/certificates/certificate-entities.ts'
import { judgeCertificate } from '../../../operator/core/certificates/judge-certificate.ts'
import { createDesired, type Desired, desired } from '../../../operator/core/desired.ts'
import { type Change, diff } from '../../../operator/core/diff.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import { explainChange } from '../../../operator/core/explain-change.ts'
import { bodyFor, entityFromKong, stateOf } from '../../../operator/core/kong-json.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import { parseSealKey, SealError, seal, unseal } from '../../../operator/secrets/seal.ts'
import { changedEntity } from '../../../operator/sync/change-log.ts'
import { makeCertificate } from '../../support/make-certificate.ts'
import { catalog, instance, OPTIONS, settingsOf } from './build-mesh.ts'

const ready = (name: string, hosts: readonly string[], text = name) => ({
  name,
  cert: `cert of ${text}`,
  key: `secret of ${text}`,
  hosts,
  endsAtMs: 0,
})
const of = (...all: ReturnType<typeof ready>[]): Certificates => ({ ready: all, kept: [] })

const input = (certificates: Certificates | undefined, actual: KongState = new Map()) => ({
  snapshot: catalog({ web: [instance(1)] }),
  settings: settingsOf(),
  options: OPTIONS,
  actual,
  ...(certificates === undefined ? {} : { certificates }),
})
const tlsOf = ({ state }: Desired): Entity[] =>
  [...state.values()].filter(({ kind }) => kind === 'certificate' || kind === 'sni')
const changes = (actual: KongState, after: Desired): readonly Change[] =>
  diff(actual, after.state, { mesh: 'default', policy: 'keep' }).changes
/** As Kong would tell it: what an entity is written as, read back. */
const inKong = ({ state }: Desired): KongState =>
  stateOf(
    [...state.values()].map((each) => entityFromKong(each.kind, { ...bodyFor(each), ...parentIn(each) })),
  )
const parentIn = ({ kind, parent }: Entity) => (kind === 'target' ? { upstream: { id: parent } } : {})

test('a certificate and its names become entities of the mesh that a second look leaves alone', () => {
  const made = desired(input(of(ready('shop', ['shop.example', '*.shop.example']))))
  deepEqual(
    tlsOf(made).map(({ kind, name, owner }) => [kind, name, owner]),
    [
      ['certificate', '', CERTIFICATES_OWNER],
      ['sni', 'shop.example', CERTIFICATES_OWNER],
      ['sni', '*.shop.example', CERTIFICATES_OWNER],
    ],
  )
  deepEqual(changes(inKong(made), made), [])
})

test('certificates are written first and removed last, after the names that they are shown for', () => {
  const made = desired(input(of(ready('shop', ['shop.example']))))
  const kinds = (list: readonly Change[]) =>
    orderChanges(list).flatMap((step) => step.map(({ entity }) => entity.kind))
  const created = kinds(changes(new Map(), made))
  deepEqual(created.slice(0, 2), ['certificate', 'sni'])
  const empty = desired({ ...input(of()), snapshot: catalog({}) })
  deepEqual(kinds(changes(inKong(made), empty)).slice(-2), ['sni', 'certificate'])
})

test('a renewed certificate is one update of certificate and key together', () => {
  const before = inKong(desired(input(of(ready('shop', ['shop.example'])))))
  const list = changes(before, desired(input(of(ready('shop', ['shop.example'], 'later')))))
  deepEqual(
    list.map(({ action, entity, fields }) => [action, entity.kind, fields]),
    [['update', 'certificate', ['cert', 'key', 'tags']]],
  )
})

test('a name that moves to another certificate is never without one', () => {
  const before = inKong(desired(input(of(ready('a', ['x.example']), ready('b', ['y.example'])))))
  const after = desired(input(of(ready('a', ['z.example']), ready('b', ['x.example', 'y.example']))))
  const moved = changes(before, after).filter(({ entity }) => entity.name === 'x.example')
  deepEqual(
    moved.map(({ action, fields }) => [action, fields]),
    [['update', ['certificate', 'tags']]],
  )
})

test('the key is in no change, line or plan', () => {
  const made = desired(input(of(ready('shop', ['shop.example']))))
  for (const change of changes(new Map(), made)) {
    ok(!explainChange(change).includes('secret of'))
    ok(!JSON.stringify(changedEntity(change)).includes('secret of'))
  }
})

test('a host is the first certificate’s that names it, and the other is told', () => {
  const made = desired(input(of(ready('b', ['x.example']), ready('a', ['x.example']))))
  equal(tlsOf(made).filter(({ kind }) => kind === 'sni').length, 1)
  match(
    made.problems.map(({ message }) => message).join(),
    /certificates\/b: x\.example is shown .*\/certificates\/a/,
  )
})

test('what cannot be read, or nobody has read, stays as Kong has it', () => {
  const actual = inKong(desired(input(of(ready('shop', ['shop.example']), ready('old', ['old.example'])))))
  deepEqual(changes(actual, desired(input(undefined, actual))), [])
  const kept = desired(input({ ready: [], kept: ['shop'] }, actual))
  deepEqual(
    changes(actual, kept).map(({ action, entity }) => [action, entity.kind, entity.name]),
    [
      ['delete', 'certificate', ''],
      ['delete', 'sni', 'old.example'],
    ],
  )
})

test('decided again from the same, the answer is the same object', () => {
  const desire = createDesired()
  const same = input(of(ready('shop', ['shop.example'])))
  const [first, second] = [desire(same), desire(same)]
  equal(first.state, second.state)
  equal(first.groups.get(CERTIFICATES_OWNER), second.groups.get(CERTIFICATES_OWNER))
  equal(tlsOf(desire(input(of()))).length, 0)
})

test('documents that are no good are refused by field, and a key is never told', () => {
  const cases: [document: object | string, error: RegExp][] = [
    ['certFile: a\nkeyFile: b\nhosts: [x', /neither JSON nor YAML/],
    [{ certFile: 'a', keyFile: 'b', hosts: 'x' }, /hosts must be a list/],
    [{ certFile: 'a', keyFile: 'b', hosts: ['x:443'] }, /hosts\[0\] must be a host name/],
    // Found by the fuzz test of documents: no text can be made of it.
    [{ certFile: 'a', keyFile: 'b', hosts: [{ toString: 1 }] }, /hosts\[0\] must be a host name/],
    [
      { certFile: '../a', keyFile: '/etc/b', hosts: ['x'] },
      /certFile must be a path below certificates\.folder/,
    ],
    [{ cert: 'x', certFile: 'a', keyFile: 'b', hosts: ['x'] }, /one of cert and certFile/],
    [{ cert: 'x', key: '-----BEGIN PRIVATE KEY-----\nHUSH', hosts: ['x'] }, /key must be sealed/],
    [{ cert: 'x', keyFile: 'b', hosts: ['x'], host: 'y' }, /host is not a field/],
  ]
  for (const [document, error] of cases) {
    const text = typeof document === 'string' ? document : JSON.stringify(document)
    const read = readCertificateDocument(text)
    ok(!read.ok)
    match(read.errors.join('\n'), error)
    ok(!read.errors.join().includes('HUSH'))
  }
  const good = readCertificateDocument(
    'certFile: shop/cert.pem\nkeyFile: shop/key.pem\nhosts: [Shop.example, "*.shop.example"]',
  )
  deepEqual(good.ok && good.document.hosts, ['*.shop.example', 'shop.example'])
})

test('a certificate is looked at before Kong is asked: its key, its time, its names', () => {
  const [one, other] = [
    makeCertificate(['shop.example', '*.shop.example']),
    makeCertificate(['other.example']),
  ]
  const judge = (cert: string, key: string, hosts = ['shop.example'], nowMs = Date.now()) =>
    judgeCertificate('shop', cert, key, hosts, nowMs)
  const good = judge(one.cert, one.key, ['shop.example', '*.shop.example'])
  ok(good.ok && good.advice.length === 0 && good.certificate.endsAtMs > Date.now())
  const advised = judge(one.cert, one.key, ['far.example'])
  match(advised.ok ? advised.advice.join() : '', /not made out to far\.example/)
  const errors = (judged: ReturnType<typeof judge>) => (judged.ok ? '' : judged.errors.join())
  match(errors(judge(one.cert, other.key)), /key is not the key of cert/)
  match(errors(judge('nothing', one.key)), /cert is no certificate/)
  match(errors(judge(one.cert, 'nothing')), /key is no private key/)
  match(errors(judge(one.cert, one.key, ['shop.example'], 0)), /not valid before/)
})

test('what is sealed opens with the same key for the same purpose alone', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      bytes,
      fc.string(),
      fc.string(),
      (plain, key, one, other) => {
        const [right, wrong] = [Buffer.from(key), Buffer.from(key.map((byte) => byte ^ 1))]
        const sealed = seal(plain, right, one)
        equal(unseal(sealed, right, one), plain)
        notEqual(seal(plain, right, one), sealed)
        throws(() => unseal(sealed, wrong, one), SealError)
        if (one !== other) throws(() => unseal(sealed, right, other), SealError)
        throws(() => unseal(`${sealed.slice(0, -6)}AAAAAA`, right, one), SealError)
      },
    ),
    { numRuns: 100 },
  )
  const key = Buffer.alloc(32, 7)
  deepEqual([parseSealKey(`${key.toString('base64')}\n`), parseSealKey(key.toString('hex'))], [key, key])
  throws(() => parseSealKey('short'), /32 random bytes/)
})
