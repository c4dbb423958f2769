import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownService } from '../../../operator/http/unknown-service.ts'

test('a service that is not there is named, with the one that was most likely meant', () => {
  const known = ['web', 'payments', 'orders']
  assert.equal(unknownService('wbe', known).message, 'service wbe is not in the catalog; did you mean web?')
  assert.equal(
    unknownService('payment', known).message,
    'service payment is not in the catalog; did you mean payments?',
  )
  assert.equal(unknownService('nobody', known).message, 'service nobody is not in the catalog')
  assert.equal(unknownService('web', []).statusCode, 404)
})
