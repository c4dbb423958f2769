import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { pairsOf } from '../../../operator/cli/pairs.ts'

test('a pair without its separator, and one without a name, are told apart', () => {
  deepEqual(pairsOf(['a = b', 'c=d=e'], '='), { a: 'b', c: 'd=e' })
  throws(() => pairsOf(['zone'], '='), /there is no = in it/)
  throws(() => pairsOf([':x'], ':'), /there is no name before its :/)
})
