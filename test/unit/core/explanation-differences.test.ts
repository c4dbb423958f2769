import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ComparedExplanation,
  explanationDifferences,
} from '../../../operator/core/explanation-differences.ts'

const target = (at: number, weight = 100, reason = 'passing') => ({
  target: `10.0.0.${at}:80`,
  weight,
  in: weight > 0 && reason === 'passing',
  reason,
})
const read: ComparedExplanation = {
  route: { id: 'r1', name: 'mesh.web.host', upstreamPath: '/' },
  service: {
    id: 's1',
    name: 'mesh.web',
    host: 'web.mesh',
    enabled: true,
    upstream: { name: 'web.mesh', algorithm: 'round-robin' },
  },
  targets: [target(1), target(2)],
  plugins: [{ name: 'key-auth', scope: 'service', runs: true }],
}

const cases: readonly [what: string, other: ComparedExplanation, told: readonly string[]][] = [
  ['nodes that do the same differ in nothing', read, []],
  [
    'another route is told alone, as nothing after it can be compared',
    { route: null, service: null, targets: [], plugins: [] },
    ['route none (not mesh.web.host to path /)'],
  ],
  [
    'another service is told with where it leads',
    { ...read, service: { ...read.service!, host: 'x.example', enabled: false, upstream: null } },
    ['service mesh.web to x.example by DNS, switched off (not mesh.web to upstream web.mesh (round-robin))'],
  ],
  [
    'a target that is missing, one that is marked, and one too many are told apart',
    { ...read, targets: [target(2, 100, 'marked'), target(3, 0, 'critical')] },
    [
      'target 10.0.0.1:80 is missing',
      'target 10.0.0.2:80 weight 100 out: marked (not 100 in)',
      'target 10.0.0.3:80 too, weight 0 out',
    ],
  ],
  [
    'a plugin that runs on one node alone is told',
    {
      ...read,
      plugins: [
        { name: 'key-auth', scope: 'service', runs: false },
        { name: 'cors', scope: 'global', runs: true },
      ],
    },
    ['plugin key-auth (service) does not run', 'plugin cors (global) runs too'],
  ],
]
for (const [what, other, told] of cases)
  test(what, () => deepEqual(explanationDifferences(read, other), told))
