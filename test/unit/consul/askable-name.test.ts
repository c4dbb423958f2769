import { equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isAskable } from '../../../operator/consul/askable-name.ts'

// Each was registered at Consul 1.8.7 and asked for; refused are those it answered with 301 or 400.
describe('Consul answers for the service', () => {
  for (const name of ['web', 'a.b', '...', 'a/b', 'a/', 'ünï 日本', '%2e%2e', "o'neil", '?', '#', '😀']) {
    test(JSON.stringify(name), () => equal(isAskable(name), true))
  }
})

describe('Consul answers nothing for the service', () => {
  for (const name of [
    '',
    '.',
    '..',
    '/lead',
    'a//b',
    'a/./b',
    'a/../b',
    'tab\there',
    'a\nb',
    'a\u0000b',
    'a\u00a0b',
  ]) {
    test(JSON.stringify(name), () => equal(isAskable(name), false))
  }
})
