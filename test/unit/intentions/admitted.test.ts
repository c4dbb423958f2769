// For random intentions Kong's plugins let in exactly the callers that Consul's documented rules let in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Entity } from '../../../operator/core/entity.ts'
import { callerGroup } from '../../../operator/core/intentions/caller-entities.ts'
import { gateEntities } from '../../../operator/core/intentions/gate-entities.ts'
import { type Action, acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { accessTo, accessToBoth, indexIntentions } from '../../../operator/core/intentions/intention-rules.ts'

const SERVICES = ['web', 'api', 'db', 'Odd.Name']
const CALLERS = [...SERVICES, 'stranger']

interface Raw {
  readonly SourceName: string
  readonly DestinationName: string
  readonly Action: Action | ''
  readonly Permissions?: readonly { readonly Action: Action; readonly HTTP: object }[]
}

/** https://developer.hashicorp.com/consul/docs/connect/intentions#precedence-and-match-order, read as a table. */
const PRECEDENCE: readonly (readonly [isExactSource: boolean, isExactDestination: boolean])[] = [
  [true, true],
  [false, true],
  [true, false],
  [false, false],
]

/** undefined: by what it asks for, which a gateway that sees callers alone cannot keep. */
function admits(
  list: readonly Raw[],
  byDefault: Action,
  source: string,
  destination: string,
): boolean | undefined {
  for (const [isExactSource, isExactDestination] of PRECEDENCE) {
    const found = list.find(
      (each) =>
        each.SourceName === (isExactSource ? source : '*') &&
        each.DestinationName === (isExactDestination ? destination : '*'),
    )
    if (found === undefined) continue
    if (found.Action !== '') return found.Action === 'allow'
    const answers = new Set<Action>()
    for (const { Action: action, HTTP } of found.Permissions ?? []) {
      answers.add(action)
      if (Object.keys(HTTP).length === 0) return answers.size === 1 ? action === 'allow' : undefined
    }
    answers.add(byDefault)
    return answers.size === 1 ? byDefault === 'allow' : undefined
  }
  return byDefault === 'allow'
}

/** As Kong's jwt and acl answer a caller (null: without a token). */
function letsIn(gate: readonly Entity[], caller: string | null): boolean {
  const acl = gate.find(({ name }) => name === 'acl')
  const jwt = gate.find(({ name }) => name === 'jwt')
  if (acl === undefined) return true
  if (caller === null && jwt?.fields['config.anonymous'] === null) return false
  const groups = caller === null ? [] : [callerGroup(caller)]
  const allow = acl.fields['config.allow'] as readonly string[] | null
  const deny = acl.fields['config.deny'] as readonly string[] | null
  assert.notEqual(allow === null, deny === null, 'acl takes one list, never both')
  assert.ok((allow ?? deny ?? []).length > 0, 'Kong refuses an empty list')
  return allow !== null
    ? groups.some((each) => allow.includes(each))
    : !groups.some((each) => deny!.includes(each))
}

const action = fc.constantFrom<Action>('allow', 'deny')
const permission = fc.record({
  Action: action,
  HTTP: fc.constantFrom({}, { PathPrefix: '/admin' }, { Methods: ['GET'] }),
})
const says = fc.oneof(
  { weight: 4, arbitrary: action.map((each) => ({ Action: each })) },
  {
    weight: 1,
    arbitrary: fc
      .array(permission, { minLength: 1, maxLength: 3 })
      .map((Permissions) => ({ Action: '' as const, Permissions })),
  },
)
const name = fc.constantFrom(...SERVICES, '*')
const intentions = fc.uniqueArray(
  fc
    .record({ SourceName: name, DestinationName: name, says })
    .map(({ says: said, ...pair }): Raw => ({ ...pair, ...said })),
  { maxLength: 12, selector: ({ SourceName, DestinationName }) => `${SourceName} ${DestinationName}` },
)

const gateOf = (
  list: readonly Raw[],
  byDefault: Action,
  destinations: readonly string[],
  isAnonymousAllowed = false,
) => {
  const index = indexIntentions(acceptIntentions(null, list).list)
  const access = destinations.map((each) => accessTo(each, index, byDefault)).reduce(accessToBoth)
  return {
    access,
    gate: gateEntities('default', 'web', 'mesh.web', access, { methods: [], isAnonymousAllowed }),
  }
}

test('the plugins of a destination let in exactly whom the intentions let in, and nobody whom Kong cannot judge', () => {
  fc.assert(
    fc.property(intentions, action, fc.constantFrom(...SERVICES), (list, byDefault, destination) => {
      const { gate } = gateOf(list, byDefault, [destination])
      for (const caller of CALLERS)
        assert.equal(letsIn(gate, caller), admits(list, byDefault, caller, destination) ?? false, caller)
    }),
  )
})

test('of two destinations that may answer, only whom both let in gets in', () => {
  fc.assert(
    fc.property(
      intentions,
      action,
      fc.uniqueArray(fc.constantFrom(...SERVICES), { minLength: 2 }),
      (list, byDefault, names) => {
        const { gate } = gateOf(list, byDefault, names)
        for (const caller of CALLERS) {
          const expected = names.every((each) => admits(list, byDefault, caller, each) === true)
          assert.equal(letsIn(gate, caller), expected, caller)
        }
      },
    ),
  )
})

test('whoever does not say who it is gets in where everybody does, or where anonymous callers are allowed and not all are denied', () => {
  fc.assert(
    fc.property(
      intentions,
      action,
      fc.boolean(),
      fc.constantFrom(...SERVICES),
      (list, byDefault, isAllowed, destination) => {
        const { access, gate } = gateOf(list, byDefault, [destination], isAllowed)
        assert.equal(letsIn(gate, null), access.kind === 'open' || (isAllowed && access.kind === 'except'))
      },
    ),
  )
})

test('the order of intentions changes nothing', () => {
  fc.assert(
    fc.property(intentions, action, fc.constantFrom(...SERVICES), (list, byDefault, destination) => {
      assert.deepEqual(
        gateOf(list, byDefault, [destination]),
        gateOf([...list].reverse(), byDefault, [destination]),
      )
    }),
  )
})

test('changing one intention between two services changes one plugin', () => {
  const before = gateOf([{ SourceName: 'web', DestinationName: 'api', Action: 'allow' }], 'deny', [
    'api',
  ]).gate
  const after = gateOf([{ SourceName: 'db', DestinationName: 'api', Action: 'allow' }], 'deny', ['api']).gate
  const differing = after.filter((each, at) => JSON.stringify(each) !== JSON.stringify(before[at]))
  assert.deepEqual(
    differing.map((each) => each.name),
    ['acl'],
  )
})
