import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../../operator/core/entity.ts'
import {
  appliedOf,
  appliedTag,
  foreignTags,
  hashOf,
  isOwnedBy,
  overriddenOf,
  overrideTag,
  ownerOf,
  ownTags,
} from '../../../operator/core/tags.ts'

const sha = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)

describe('the hash of a value', () => {
  const cases: [value: Json | undefined, canonical: string][] = [
    [100, '100'],
    ['http', '"http"'],
    [null, 'null'],
    [undefined, 'null'],
    [['a', 'b'], '["a","b"]'],
    [{ b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
  ]
  for (const [value, canonical] of cases) {
    test(`of ${canonical} is that of its canonical JSON`, () => assert.equal(hashOf(value), sha(canonical)))
  }
})

describe('the tag of what was applied', () => {
  test('reads field=hash, sorted, dotted paths as they are', () => {
    const tags = ownTags('default', 'web', { weight: 100, 'healthchecks.threshold': 0 })
    assert.equal(tags.at(-1), `kongsul.applied:healthchecks.threshold=${sha('0')};weight=${sha('100')}`)
  })

  test('comes back whatever the fields are called, and is a tag that Kong takes', () => {
    const field = fc.string({ minLength: 1, unit: 'binary' })
    fc.assert(
      fc.property(fc.uniqueArray(field, { minLength: 1, maxLength: 10 }), (fields) => {
        const applied = new Map(fields.map((each) => [each, hashOf(each)]))
        const tag = appliedTag(applied)
        assert.match(tag, /^[ -+\-.0-~]+$/)
        assert.deepEqual(new Map([...appliedOf([tag])!].sort()), new Map([...applied].sort()))
      }),
    )
  })

  test('is missing, not empty, where there is none', () => assert.equal(appliedOf(['a']), null))

  test('that somebody mangled says nothing about the fields it no longer names', () => {
    assert.deepEqual(appliedOf(['kongsul.applied:weight=xyz;host;=12345678']), new Map())
  })
})

describe('owners', () => {
  test('are known by the tag of the mesh and of the service', () => {
    const tags = ownTags('blue', 'a.b', {})
    assert.equal(isOwnedBy('blue', tags), true)
    assert.equal(isOwnedBy('green', tags), false)
    assert.equal(ownerOf(tags), 'a.b')
  })

  test('need the tag managed-by', () => {
    assert.equal(ownerOf(['kongsul.service:web']), '')
    assert.equal(isOwnedBy('blue', ['kongsul.mesh:blue']), false)
  })
})

test('overrides and tags of people are told apart', () => {
  const tags = [
    ...ownTags('default', 'web', {}),
    overrideTag('weight'),
    'team blue',
    'kongsul.override:health',
  ]
  assert.deepEqual([...overriddenOf(tags)], ['weight', 'health'])
  assert.deepEqual(foreignTags(tags), ['team blue'])
})
