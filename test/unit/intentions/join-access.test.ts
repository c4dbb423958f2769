import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EMPTY_CONFIG, mergeConfig, stateOfConfig } from '../../../operator/core/declarative-config.ts'
import { createDesired, type DesiredInput, desired } from '../../../operator/core/desired.ts'
import { applyChange, diff } from '../../../operator/core/diff.ts'
import type { Entity, KongState } from '../../../operator/core/entity.ts'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { newIdentity } from '../../../operator/core/intentions/issue.ts'
import type { Callers, Intentions } from '../../../operator/core/intentions/join-access.ts'
import { bodyFor, entityFromKong } from '../../../operator/core/kong-json.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import { createKeyPair } from '../../../operator/identity/key-pair.ts'
import { catalog, instance, OPTIONS, settingsOf } from '../core/build-mesh.ts'
import { policiesOf, splitter } from '../policy/build-policies.ts'

const { publicKey } = createKeyPair()
const identity = (service: string, kid: string) =>
  newIdentity({ service, kid, publicKey, by: 'ada', nowMs: 0, lastsMs: null })
const callersOf = (...identities: ReturnType<typeof identity>[]): Callers => ({
  identities,
  keys: new Map(),
  problems: [],
})
const said = (
  byDefault: 'allow' | 'deny',
  ...pairs: readonly (readonly [string, string, string])[]
): Intentions => ({
  accepted: acceptIntentions(
    null,
    pairs.map(([SourceName, DestinationName, Action]) => ({ SourceName, DestinationName, Action })),
  ),
  byDefault,
})
const UNKNOWN: Intentions = { accepted: null, byDefault: null }
const SERVICES = { web: [instance(1)], api: [instance(2)] }

const input = (
  intentions: Intentions | undefined,
  rest: Partial<DesiredInput> & { documents?: object } = {},
): DesiredInput => ({
  snapshot: {
    ...catalog(SERVICES),
    policies: { ...policiesOf({}, SERVICES), ...(intentions && { intentions }) },
  },
  settings: settingsOf((rest.documents ?? {}) as Record<string, unknown>),
  options: OPTIONS,
  actual: new Map(),
  callers: callersOf(),
  ...rest,
})

const plugins = (state: KongState): string[] =>
  [...state.values()].filter(({ kind }) => kind === 'plugin').map(({ owner, name }) => `${owner} ${name}`)
const kinds = (state: KongState): Set<string> => new Set([...state.values()].map(({ kind }) => kind))
const only = (state: KongState, kind: string): Entity[] =>
  [...state.values()].filter((each) => each.kind === kind)

describe('intentions and identities in what Kong should hold', () => {
  test('where everybody may call everybody there is nothing of it in Kong', () => {
    const { state, access } = desired(input(said('allow')))
    assert.deepEqual([plugins(state), access?.size], [[], 0])
    assert.ok(!kinds(state).has('consumer'))
  })

  test('a denied caller puts jwt and acl on the one service that it is about', () => {
    const { state, access } = desired(input(said('allow', ['web', 'api', 'deny'])))
    assert.deepEqual(plugins(state), ['api jwt', 'api acl'])
    const acl = [...state.values()].find(({ name }) => name === 'acl')!
    assert.deepEqual(
      [acl.fields['config.allow'], acl.fields['config.deny'], acl.fields['config.hide_groups_header']],
      [null, ['mesh.web'], true],
    )
    assert.deepEqual(access?.get('api'), { lets: 'except', callers: ['web'], enforced: true, note: '' })
  })

  test('an identity is a consumer with its public key and a group of its own, also of a service without instances', () => {
    const { state } = desired(input(said('allow'), { callers: callersOf(identity('batch', 'k1')) }))
    const [consumer] = only(state, 'consumer')
    assert.deepEqual([consumer!.name, consumer!.owner], ['mesh.batch', 'batch'])
    const [key] = only(state, 'jwt_secret')
    assert.deepEqual(
      [key!.name, key!.parent, key!.fields['algorithm'], key!.fields['rsa_public_key']],
      ['mesh.batch.k1', consumer!.id, 'ES256', publicKey],
    )
    assert.deepEqual(
      [only(state, 'acl')[0]!.name, only(state, 'acl')[0]!.parent],
      ['mesh.batch', consumer!.id],
    )
  })

  test('Kong gets callers before services, keys after their consumers, plugins before routes, and gives up the other way round', () => {
    const callers = callersOf(identity('api', 'k1'))
    const wanted = desired(input(said('deny'), { callers })).state
    const options = { mesh: 'default', policy: 'keep' as const }
    const isOfApi = ({ owner }: Entity) => owner === 'api'
    const api = new Map([...wanted].filter(([, each]) => isOfApi(each)))
    const making = orderChanges(diff(new Map(), api, options).changes).map((step) =>
      step.map(({ entity }) => entity.kind),
    )
    assert.deepEqual(
      making.map((step) => [...new Set(step)].sort()),
      [['consumer'], ['acl', 'jwt_secret'], ['service', 'upstream'], ['plugin', 'target'], ['route']],
    )
    const leaving = orderChanges(diff(api, new Map(), options).changes)
      .flat()
      .map(({ entity }) => entity.kind)
    // A revoked key waits for nothing that Kong may refuse.
    assert.equal(leaving[0], 'jwt_secret')
    assert.ok(leaving.indexOf('route') < leaving.indexOf('plugin'))
    assert.equal(leaving.at(-1), 'consumer')
  })

  test('callers are told apart before acl judges them, and those without identity come last and leave first', () => {
    const options = { mesh: 'default', policy: 'keep' as const }
    const stateWith = (intentions: Intentions, methods: string[]) =>
      desired(input(intentions, { documents: { 'mesh/defaults': { auth: { methods } } } })).state
    const denied = said('allow', ['web', 'api', 'deny'])
    const gates = (from: KongState, to: KongState) =>
      orderChanges(diff(from, to, options).changes)
        .map((step) => step.filter(({ entity }) => entity.kind === 'plugin'))
        .filter((step) => step.length > 0)
        .map((step) => step.map(({ action, entity }) => `${action} ${entity.name}`).sort())
    const [open, one, both] = [
      stateWith(said('allow'), ['jwt']),
      stateWith(denied, ['jwt']),
      stateWith(denied, ['jwt', 'key-auth']),
    ]
    assert.deepEqual(gates(open, one), [['create jwt'], ['create acl']])
    assert.deepEqual(gates(one, open), [['delete acl'], ['delete jwt']])
    assert.deepEqual(gates(one, both), [['update acl'], ['create key-auth', 'update jwt']])
    assert.deepEqual(gates(both, one), [['update jwt'], ['update acl'], ['delete key-auth']])
  })

  test('what Kong answers for each of it is in step with what was wanted', () => {
    const callers = callersOf(identity('web', 'k1'))
    const wanted = desired(input(said('deny', ['web', 'api', 'allow']), { callers })).state
    const held = new Map(
      [...wanted].map(([key, each]) => [key, entityFromKong(each.kind, { ...bodyFor(each), created_at: 1 })]),
    )
    assert.deepEqual(diff(held, wanted, { mesh: 'default', policy: 'keep' }).changes, [])
  })

  test('a Kong without database gets it as one configuration, and keys go with their consumer', () => {
    const callers = callersOf(identity('web', 'k1'))
    const wanted = desired(input(said('deny', ['web', 'api', 'allow']), { callers })).state
    const options = { mesh: 'default', policy: 'revert' as const }
    const { document } = mergeConfig(EMPTY_CONFIG, diff(new Map(), wanted, options).changes, 1)
    assert.deepEqual(
      Object.keys(document)
        .filter((name) => /consumer|jwt|acls/.test(name))
        .sort(),
      ['acls', 'consumers', 'jwt_secrets'],
    )
    const held = stateOfConfig(document)
    assert.deepEqual(diff(held, wanted, options).changes, [])
    const consumer = only(held, 'consumer')[0]!
    const removal = {
      action: 'delete',
      entity: consumer,
      before: consumer,
      fields: [],
      service: 'web',
    } as const
    const after = stateOfConfig(mergeConfig(document, [removal], 1).document)
    assert.deepEqual([only(after, 'jwt_secret'), only(after, 'acl')], [[], []])
  })

  test('while intentions are not known, what Kong enforces stays, and is enforced again should Kong lose it', () => {
    const decide = createDesired()
    const enforced = decide(input(said('allow', ['web', 'api', 'deny'])))
    const unread = decide(input(UNKNOWN, { actual: enforced.state }))
    assert.deepEqual(plugins(unread.state), ['api jwt', 'api acl'])
    assert.deepEqual(plugins(decide(input(UNKNOWN)).state), ['api jwt', 'api acl'])
    assert.equal(unread.access?.get('api')?.enforced, true)
    assert.equal(unread.access?.get('web')?.enforced, false)
  })

  test('another operator, which has never read them, takes nothing away that Kong enforces', () => {
    const { state } = desired(
      input(said('allow', ['web', 'api', 'deny']), { callers: callersOf(identity('web', 'k1')) }),
    )
    const next = desired(input(UNKNOWN, { actual: state, callers: undefined }))
    assert.deepEqual(diff(state, next.state, { mesh: 'default', policy: 'keep' }).changes, [])
    const blind = desired(input(undefined, { actual: state, callers: undefined }))
    assert.deepEqual(diff(state, blind.state, { mesh: 'default', policy: 'keep' }).changes, [])
  })

  test('with intentions.default deny nobody gets in while intentions are not known', () => {
    const documents = { 'mesh/defaults': { intentions: { default: 'deny' } } }
    const { state } = desired(input(UNKNOWN, { documents }))
    const acl = [...state.values()].find(({ name, owner }) => name === 'acl' && owner === 'api')!
    assert.deepEqual(acl.fields['config.allow'], ['_nobody'])
  })

  test('from enforced to open it goes when Consul says so, and only then', () => {
    const decide = createDesired()
    decide(input(said('deny')))
    assert.deepEqual(plugins(decide(input(said('allow'))).state), [])
  })

  test('anonymous callers, where they are allowed, are told as not enforced', () => {
    const documents = { 'mesh/services/api': { intentions: { anonymous: 'allow' } } }
    const { state, access, problems } = desired(input(said('allow', ['web', 'api', 'deny']), { documents }))
    assert.equal(access?.get('api')?.enforced, false)
    assert.match(access?.get('api')?.note ?? '', /^NOT enforced/)
    assert.ok(problems.some(({ code, service }) => code === 'INTENTIONS_NOT_ENFORCED' && service === 'api'))
    const anonymous = only(state, 'consumer')[0]!
    assert.equal(
      [...state.values()].find(({ name }) => name === 'jwt')!.fields['config.anonymous'],
      anonymous.id,
    )
  })

  test('one Kong service of several that lets anonymous callers in makes all of it not enforced', () => {
    const lists = {
      'service-splitter': [splitter('web', { Weight: 50, Service: 'web' }, { Weight: 50, Service: 'api' })],
      'service-router': [
        {
          Kind: 'service-router',
          Name: 'web',
          Routes: [{ Match: { HTTP: { PathPrefix: '/api' } }, Destination: { Service: 'api' } }],
        },
      ],
    }
    const intentions = said('allow', ['*', 'web', 'deny'], ['b', 'api', 'deny'])
    const { state, access, problems } = desired({
      ...input(intentions, { documents: { 'mesh/services/web': { intentions: { anonymous: 'allow' } } } }),
      snapshot: { ...catalog(SERVICES), policies: { ...policiesOf(lists, SERVICES), intentions } },
    })
    const acls = [...state.values()].filter(({ name, owner }) => name === 'acl' && owner === 'web')
    assert.deepEqual(
      new Set(acls.map(({ fields }) => fields['config.deny'] === null)),
      new Set([true, false]),
    )
    assert.equal(access?.get('web')?.enforced, false)
    assert.ok(problems.some(({ code, service }) => code === 'INTENTIONS_NOT_ENFORCED' && service === 'web'))
  })

  test('with two ways to say who one is, callers without any are kept out by name', () => {
    const documents = { 'mesh/defaults': { auth: { methods: ['jwt', 'key-auth'] } } }
    const { state } = desired(input(said('allow', ['web', 'api', 'deny']), { documents }))
    assert.deepEqual(plugins(state), ['api jwt', 'api key-auth', 'api acl'])
    const acl = [...state.values()].find(({ kind, name }) => kind === 'plugin' && name === 'acl')!
    assert.deepEqual(acl.fields['config.deny'], ['mesh.web', '_anonymous'])
  })

  test('where a splitter sends requests to two services, only whom both let in gets in', () => {
    const lists = {
      'service-splitter': [splitter('web', { Weight: 50, Service: 'web' }, { Weight: 50, Service: 'api' })],
    }
    const intentions = said('deny', ['a', 'web', 'allow'], ['b', 'web', 'allow'], ['b', 'api', 'allow'])
    const { state } = desired({
      ...input(intentions),
      snapshot: { ...catalog(SERVICES), policies: { ...policiesOf(lists, SERVICES), intentions } },
    })
    const acl = [...state.values()].find(({ name, owner }) => name === 'acl' && owner === 'web')!
    assert.deepEqual(acl.fields['config.allow'], ['mesh.b'])
  })

  test('what does not change is the same object, so that nothing is written for it', () => {
    const decide = createDesired()
    const intentions = said('deny', ['web', 'api', 'allow'])
    const callers = callersOf(identity('web', 'k1'))
    const first = input(intentions, { callers })
    const one = decide(first)
    const two = decide(first)
    assert.equal(one.state, two.state)
    for (const [name, group] of one.groups) assert.equal(group, two.groups.get(name), name)
    const more = decide({ ...first, callers: callersOf(identity('web', 'k1'), identity('api', 'k1')) })
    assert.equal(more.groups.get('web'), one.groups.get('web'))
    assert.notEqual(more.groups.get('api'), one.groups.get('api'))
  })

  test('applying the difference to what Kong holds makes it what is wanted', () => {
    const from = desired(input(said('allow', ['web', 'api', 'deny']))).state
    const to = desired(
      input(said('deny', ['web', 'api', 'allow']), { callers: callersOf(identity('web', 'k2')) }),
    ).state
    const options = { mesh: 'default', policy: 'keep' as const }
    const after = orderChanges(diff(from, to, options).changes)
      .flat()
      .reduce(applyChange, from)
    assert.deepEqual(diff(after, to, options).changes, [])
    assert.deepEqual([...after.keys()].sort(), [...to.keys()].sort())
  })
})
