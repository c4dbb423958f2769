// Conformance vectors: W3C's own cases, Kong 3.9.1's semantics for the other formats, and where it is wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatePropagation } from '../../../operator/cli/simulate-propagation.ts'
import { mismatches, type PropagationAnswer, readVectors } from '../../support/propagation-vectors.ts'

const vectors = readVectors()

test('there are 149 vectors', () => assert.equal(vectors.length, 149))

for (const vector of vectors) {
  test(`${vector.id}: ${vector.title}`, () => {
    const answer = JSON.parse(JSON.stringify(simulatePropagation(vector))) as PropagationAnswer
    assert.deepEqual(mismatches(vector, answer), [])
  })
}
