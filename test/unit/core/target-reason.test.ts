import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Ejection } from '../../../operator/core/ejections.ts'
import { type TargetFacts, targetReason } from '../../../operator/core/target-reason.ts'

const instance = (over: Partial<NonNullable<TargetFacts['instance']>> = {}) =>
  ({ health: 'healthy', weight: 100, reason: '', ...over }) as NonNullable<TargetFacts['instance']>
const ejection: Ejection = {
  upstream: 'web.mesh',
  target: '10.0.0.1:80',
  untilMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  sinceMs: Date.UTC(2026, 0, 2, 3, 3, 5),
  reason: '5 failures in a row',
  owner: 'node-a',
}
const EJECTED =
  'ejected by the circuit breaker since 2026-01-02T03:03:05Z, until 2026-01-02T03:04:05Z: 5 failures in a row'

const OURS = ['managed-by:kongsul', 'kongsul.service:web']

const cases: [what: string, facts: Partial<TargetFacts>, reason: string][] = [
  ['what has its weight is told by its health', {}, 'healthy'],
  [
    'what Consul keeps out is told by its check',
    { weight: 0, instance: instance({ health: 'unhealthy', weight: 0, reason: 'check http' }) },
    'unhealthy: check http',
  ],
  [
    'what Kong does not follow yet is told with both weights',
    { weight: 50 },
    'healthy; Consul wants weight 100',
  ],
  [
    'a weight that somebody set in Kong is told as kept, though the instance is out',
    {
      weight: 50,
      tags: [...OURS, 'kongsul.override:weight'],
      instance: instance({ health: 'unhealthy', weight: 0, reason: 'in maintenance' }),
    },
    'unhealthy: in maintenance; its weight is kept as it was set in Kong by hand, Consul wants weight 0',
  ],
  [
    'a target that somebody added to an upstream of ours is told so',
    { tags: [], shareOf: 'api' },
    'added in Kong by hand, not managed by kongsul',
  ],
  ['a share is not compared with the weight of the instance', { weight: 60000, shareOf: '' }, 'healthy'],
  [
    'an instance of another service is told with its service',
    { weight: 0, shareOf: 'api' },
    'of api, healthy; it has no share now',
  ],
  ['what the breaker has ejected by weight is told so', { weight: 0, ejection }, EJECTED],
  [
    'also where its weight is what is wanted',
    { weight: 0, ejection, instance: instance({ weight: 0 }) },
    EJECTED,
  ],
  ['what the breaker has ejected by a mark is told so', { mark: 'UNHEALTHY', ejection }, EJECTED],
  [
    'of an ejection of which only the end is known that is told',
    { weight: 0, ejection: { ...ejection, sinceMs: null, reason: '' } },
    'ejected by the circuit breaker until 2026-01-02T03:04:05Z',
  ],
  [
    'what Consul keeps out is told by its check, ejected or not',
    { weight: 0, ejection, instance: instance({ health: 'unhealthy', weight: 0, reason: 'check http' }) },
    'unhealthy: check http',
  ],
  ['an ejection that has not reached Kong yet changes nothing', { ejection }, 'healthy'],
  [
    'what a person keeps out is told so, ejected or not',
    { mark: 'UNHEALTHY', tags: ['kongsul.override:health'], ejection },
    'kept out by hand (tag kongsul.override:health)',
  ],
  [
    'what Kong marked by itself is told with when it is taken back',
    { mark: 'UNHEALTHY' },
    'marked unhealthy in Kong; taken back after healthChecks.passive.recoverSeconds',
  ],
  [
    'a name that Kong cannot resolve is told so',
    { mark: 'DNS_ERROR', ejection },
    'Kong cannot resolve its name',
  ],
  [
    'of a host name addresses that are out are told beside it, by whom as well',
    {
      addressesOut: [
        { address: '10.0.0.1:80', ejection },
        { address: '10.0.0.2:80', ejection: undefined },
      ],
    },
    `healthy; 10.0.0.1:80 of it is ${EJECTED}; 10.0.0.2:80 of it is marked unhealthy in Kong; taken back after healthChecks.passive.recoverSeconds`,
  ],
  ['what nobody manages is told so', { owner: '', instance: undefined }, 'not managed by kongsul'],
  ['what has left Consul is told so', { instance: undefined }, 'not in Consul (any more)'],
]

for (const [what, facts, reason] of cases)
  test(what, () => {
    const usual = {
      weight: 100,
      mark: '',
      tags: OURS,
      owner: 'web',
      instance: instance(),
      ejection: undefined,
    }
    equal(targetReason({ ...usual, ...facts }), reason)
  })
