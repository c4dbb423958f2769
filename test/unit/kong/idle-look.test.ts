import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idleLookMs } from '../../../operator/kong/passive-healer.ts'

test('each of up to twenty upstreams is looked at every two seconds', () => {
  for (const upstreams of [2, 9, 20]) assert.equal(Math.round(idleLookMs(upstreams) * upstreams), 2_000)
})

test('thousands of upstreams share less than one look a second', () => {
  for (const upstreams of [0, 1, 500, 2_000]) assert.ok(idleLookMs(upstreams) > 1_000)
})
