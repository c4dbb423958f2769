import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { unknownKeys } from '../../../operator/core/unknown-keys.ts'

const messages = (...keys: string[]) => unknownKeys(keys).map(({ message }) => message)

test('documents at their places are no matter', () => {
  deepEqual(messages('mesh/defaults', 'mesh/services/web', 'mesh/external/pay', 'mesh/certificates/edge'), [])
})

test('a misspelt key is told with what was meant', () => {
  deepEqual(messages('mesh/service/web', 'mesh/default', 'mesh/Services/web', 'mesh/defaults/web'), [
    'KV mesh/service/web is not read; did you mean mesh/services/web?',
    'KV mesh/default is not read; did you mean mesh/defaults?',
    'KV mesh/Services/web is not read; did you mean mesh/services/web?',
    'KV mesh/defaults/web is not read; did you mean mesh/defaults?',
  ])
})

test('one that is like nothing is told with all the places', () => {
  deepEqual(messages('mesh/zzzzzzzzz'), [
    'KV mesh/zzzzzzzzz is not read; documents are at mesh/defaults, mesh/services/<name>, mesh/external/<name>, mesh/certificates/<name>, mesh/authorities/<name>',
  ])
})
