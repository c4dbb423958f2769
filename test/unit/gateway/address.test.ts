import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { formatTarget, isIpOrCidr } from '../../../kong/gateway/schema/address.ts'
import { normalizePath } from '../../../kong/gateway/schema/uri-path.ts'

const targets: readonly (readonly [text: string, target: string | undefined])[] = [
  ['1.2.3.4', '1.2.3.4:8000'],
  ['001.002.003.004:5', '1.2.3.4:5'],
  ['1.2.3.256:5', undefined],
  ['1.2.3.4:70000', undefined],
  ['[::1]:9000', '[0000:0000:0000:0000:0000:0000:0000:0001]:9000'],
  ['FE80::A', '[fe80:0000:0000:0000:0000:0000:0000:000a]:8000'],
  ['1::2::3', undefined],
  ['[::1', undefined],
  ['host.test', 'host.test:8000'],
  ['host.test.:80', 'host.test.:80'],
  ['bad host', undefined],
  ['a-.test', undefined],
  ['a..b', undefined],
  ['', undefined],
]

for (const [text, target] of targets) {
  test(`the target '${text}' is ${target === undefined ? 'refused' : `stored as ${target}`}`, () => {
    equal(formatTarget(text), target)
  })
}

const addresses: readonly (readonly [text: string, isGood: boolean])[] = [
  ['1.2.3.4', true],
  ['10.0.0.0/8', true],
  ['10.0.0.0/33', false],
  ['::1', true],
  ['::/0', true],
  ['::ffff:1.2.3.4', true],
  ['fe80::/129', false],
  ['1.2.3', false],
  ['01.2.3.4', false],
  ['x', false],
]

for (const [text, isGood] of addresses) {
  test(`${text} is ${isGood ? 'an' : 'no'} address or range`, () => equal(isIpOrCidr(text), isGood))
}

const paths: readonly (readonly [path: string, normalized: string])[] = [
  ['/a/../b', '/b'],
  ['/a/./b/', '/a/b/'],
  ['/%41%2f', '/A%2F'],
  ['/a//b', '/a/b'],
  ['/a/.b', '/a/.b'],
  ['/x/..', '/'],
]

for (const [path, normalized] of paths) {
  test(`the path ${path} is normally written ${normalized}`, () => equal(normalizePath(path), normalized))
}
