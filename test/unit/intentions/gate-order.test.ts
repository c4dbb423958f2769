// Writes may fail after any of them: whatever is written of a decision, nobody gets in whom neither the old one nor the new
// one lets in, and nobody is refused whom both let in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { desired } from '../../../operator/core/desired.ts'
import type { Change } from '../../../operator/core/diff.ts'
import { applyChange, diff } from '../../../operator/core/diff.ts'
import type { KongState } from '../../../operator/core/entity.ts'
import { callerGroup } from '../../../operator/core/intentions/caller-entities.ts'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import { catalog, instance, KEEP, named, OPTIONS, settingsOf } from '../core/build-mesh.ts'
import { policiesOf } from '../policy/build-policies.ts'

interface Said {
  readonly byDefault: 'allow' | 'deny'
  readonly pairs: readonly (readonly [source: string, action: string])[]
  readonly methods: readonly string[]
  readonly anonymous: 'allow' | 'deny'
}

const SERVICES = { api: [instance(1)] }

function stateOf({ byDefault, pairs, methods, anonymous }: Said): KongState {
  const rows = pairs.map(([SourceName, Action]) => ({ SourceName, DestinationName: 'api', Action }))
  const intentions = { accepted: acceptIntentions(null, rows), byDefault }
  return desired({
    snapshot: { ...catalog(SERVICES), policies: { ...policiesOf({}, SERVICES), intentions } },
    settings: settingsOf({ 'mesh/services/api': { auth: { methods }, intentions: { anonymous } } }),
    options: OPTIONS,
    actual: new Map(),
    callers: { identities: [], keys: new Map(), problems: [] },
  }).state
}

interface Caller {
  /** Whose token it sends, and whose key. */
  readonly jwt: string | null
  readonly key: string | null
}

/** As Kong's plugins answer: jwt before key-auth before acl, and one that has `anonymous` asks nobody who is known already. */
function letsIn(state: KongState, { jwt, key }: Caller): boolean {
  const { id } = named(state, 'service', 'mesh.api')!
  const pluginOf = (name: string) =>
    [...state.values()].find((each) => each.kind === 'plugin' && each.parent === id && each.name === name)
  let groups: readonly string[] | null = null
  let isKnown = false
  for (const [name, shown] of [
    ['jwt', jwt],
    ['key-auth', key],
  ] as const) {
    const plugin = pluginOf(name)
    if (plugin === undefined) continue
    const anonymous = plugin.fields['config.anonymous'] as string | null
    if (anonymous !== null && isKnown) continue
    if (shown !== null) {
      groups = [callerGroup(shown)]
      isKnown = true
    } else if (anonymous === null) return false
    else {
      const consumer = state.get(`consumer/${anonymous}`)
      // Kong answers 500 where there is no such consumer.
      if (consumer === undefined) return false
      groups = [...state.values()].flatMap((each) =>
        each.kind === 'acl' && each.parent === consumer.id ? [String(each.fields.group ?? each.name)] : [],
      )
    }
  }
  const acl = pluginOf('acl')
  if (acl === undefined) return true
  const found = groups
  if (found === null) return false
  const [allow, deny] = [acl.fields['config.allow'], acl.fields['config.deny']] as (
    | readonly string[]
    | null
  )[]
  return allow ? found.some((each) => allow.includes(each)) : !found.some((each) => deny!.includes(each))
}

const CALLERS: readonly Caller[] = [
  { jwt: null, key: null },
  ...['web', 'db'].flatMap((name) => [
    { jwt: name, key: null },
    { jwt: null, key: name },
  ]),
]

/** All ways in which a step can be cut off: its changes go in parallel. */
function subsets(step: readonly Change[]): readonly Change[][] {
  const all: Change[][] = [[]]
  for (const change of step) all.push(...all.map((each) => each.concat(change)))
  return all
}

const said = fc.record<Said>({
  byDefault: fc.constantFrom('allow', 'deny'),
  pairs: fc.uniqueArray(fc.tuple(fc.constantFrom('web', 'db', '*'), fc.constantFrom('allow', 'deny')), {
    maxLength: 3,
    selector: ([source]) => source,
  }),
  methods: fc.constantFrom(['jwt'], ['key-auth'], ['jwt', 'key-auth']),
  anonymous: fc.constantFrom('allow', 'deny'),
})

test('wherever the writes of a decision end, nobody gets in whom neither decision lets in, or is refused whom both let in', () => {
  fc.assert(
    fc.property(said, said, (one, other) => {
      const [from, to] = [stateOf(one), stateOf(other)]
      const wanted = CALLERS.map((caller) => [letsIn(from, caller), letsIn(to, caller)] as const)
      // Who is denied can send nothing as well.
      const isOpenToNobody = wanted[0]!.includes(true)
      // Who shows something that is asked for no longer, or not yet, is nobody for a moment.
      const isSameWay = String(one.methods) === String(other.methods) || !isOpenToNobody
      let state = from
      for (const step of orderChanges(diff(from, to, KEEP).changes)) {
        for (const written of subsets(step)) {
          const now = written.reduce(applyChange, state)
          const after = written.map(({ action, entity }) => `${action} ${entity.kind} ${entity.name}`)
          for (const [index, caller] of CALLERS.entries()) {
            const [before, later] = wanted[index]!
            const isIn = letsIn(now, caller)
            const about = `${JSON.stringify(caller)} ${isIn ? 'gets in' : 'is refused'} after ${after.join(', ')}`
            if (isIn) assert.ok(before || later || isOpenToNobody, about)
            else if (isSameWay) assert.ok(!(before && later), about)
          }
        }
        state = step.reduce(applyChange, state)
      }
      assert.deepEqual(diff(state, to, KEEP).changes, [])
    }),
    { numRuns: 300 },
  )
})
