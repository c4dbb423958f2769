import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createDesired, desired } from '../../../operator/core/desired.ts'
import { applyChange, diff } from '../../../operator/core/diff.ts'
import { type Entity, type KongState, keyOf } from '../../../operator/core/entity.ts'
import { orderChanges } from '../../../operator/core/plan-order.ts'
import {
  type Documents,
  documents,
  editAtRandom,
  edits,
  foreigners,
  type Services,
  services,
} from './arbitrary-mesh.ts'
import { applied, applyAll, catalog, desire, KEEP, OPTIONS, REVERT, settingsOf } from './build-mesh.ts'

const sorted = (state: KongState): [string, Entity][] =>
  [...state].sort(([left], [right]) => (left < right ? -1 : 1))

/** What kongsul manages of a state: the wanted fields of the wanted entities. */
const managed = (state: KongState, wanted: KongState) =>
  sorted(wanted).map(([key, entity]) => {
    const found = state.get(key)
    return [key, Object.keys(entity.fields).map((field) => [field, found?.fields[field] ?? null])]
  })

const ours = (state: KongState): string[] =>
  [...state.keys()].filter((key) => state.get(key)!.owner !== '').sort()

describe('desired', () => {
  test('does not depend on the order of services, instances, checks and documents', () => {
    fc.assert(
      fc.property(services, documents, foreigners, (all, docs, foreign) => {
        const actual = new Map(foreign.map((entity) => [keyOf(entity), entity]))
        const turned: Services = Object.fromEntries(
          Object.entries(all)
            .reverse()
            .map(([name, instances]) => [
              name,
              instances.map((each) => ({ ...each, checks: [...each.checks].reverse() })).reverse(),
            ]),
        )
        const turnedDocs: Documents = Object.fromEntries(Object.entries(docs).reverse())
        const turnedActual = new Map([...actual].reverse())
        const one = desire(all, { documents: docs, actual })
        const other = desire(turned, { documents: turnedDocs, actual: turnedActual })
        assert.deepEqual(sorted(other.state), sorted(one.state))
        assert.deepEqual(other.services, one.services)
      }),
    )
  })

  test('remembering gives the answer of a fresh call', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(services, documents, foreigners), { maxLength: 5 }), (steps) => {
        const remembering = createDesired()
        let actual: KongState = new Map()
        for (const [all, docs, foreign] of steps) {
          const snapshot = catalog(all)
          const input = { snapshot, settings: settingsOf(docs), options: OPTIONS, actual }
          const answer = remembering(input)
          assert.deepEqual(answer, desired(input))
          assert.deepEqual(remembering(input), answer)
          actual = new Map([
            ...answer.state,
            ...foreign.map((entity): [string, Entity] => [keyOf(entity), entity]),
          ])
        }
      }),
      { numRuns: 60 },
    )
  })

  test('a route always has its service and its upstream, and all names are unique', () => {
    fc.assert(
      fc.property(services, documents, (all, docs) => {
        const { state } = desire(all, { documents: docs })
        const named = new Set<string>()
        for (const entity of state.values()) {
          if (entity.kind === 'route') assert.ok(state.has(`service/${entity.parent}`))
          if (entity.kind === 'target') assert.ok(state.has(`upstream/${entity.parent}`))
          const name = `${entity.kind} ${entity.kind === 'target' ? entity.parent : ''} ${entity.name}`
          assert.ok(!named.has(name), name)
          named.add(name)
        }
      }),
    )
  })

  test('a host or a path leads to one service only', () => {
    fc.assert(
      fc.property(services, documents, (all, docs) => {
        const owners = new Map<string, string>()
        for (const { service, hosts, paths } of desire(all, { documents: docs }).services) {
          for (const match of [...hosts, ...paths]) {
            assert.equal(owners.get(match) ?? service, service, match)
            owners.set(match, service)
          }
        }
      }),
    )
  })
})

describe('diff', () => {
  test('of a state with itself is empty', () => {
    fc.assert(
      fc.property(services, documents, (all, docs) => {
        const { state } = desire(all, { documents: docs })
        assert.deepEqual(diff(state, state, KEEP), { changes: [], overrides: [], conflicts: [] })
      }),
    )
  })

  test('applied to one state gives the other, and then there is nothing left to do', () => {
    fc.assert(
      fc.property(services, services, documents, (first, second, docs) => {
        const before = applied(desire(first, { documents: docs }).state)
        const { state: wanted } = desire(second, { documents: docs, actual: before })
        const after = applyAll(before, diff(before, wanted, KEEP))
        assert.deepEqual(managed(after, wanted), managed(wanted, wanted))
        assert.deepEqual(ours(after), ours(wanted))
        assert.deepEqual(diff(after, wanted, KEEP).changes, [])
        const again = desire(second, { documents: docs, actual: after }).state
        assert.deepEqual(diff(after, again, KEEP).changes, [])
      }),
    )
  })

  test('never changes or removes what is not ours', () => {
    fc.assert(
      fc.property(services, services, foreigners, (first, second, foreign) => {
        const before = new Map([
          ...applied(desire(first).state),
          ...foreign.map((entity): [string, Entity] => [keyOf(entity), entity]),
        ])
        for (const options of [KEEP, REVERT]) {
          const { changes } = diff(before, desire(second, { actual: before }).state, options)
          const keys = new Set(foreign.map(keyOf))
          assert.ok(changes.every(({ entity }) => !keys.has(keyOf(entity))))
        }
      }),
    )
  })

  test('keeps every edit of a person through any change of Consul, and reports it', () => {
    fc.assert(
      fc.property(services, documents, documents, edits, (all, docs, laterDocs, randomEdits) => {
        const first = desire(all, { documents: docs }).state
        const { edited, set } = editAtRandom(applied(first), randomEdits)
        const noticed = applyAll(edited, diff(edited, first, KEEP))
        const later = desire(all, { documents: laterDocs, actual: noticed }).state
        const { changes, overrides } = diff(noticed, later, KEEP)
        const after = applyAll(noticed, { changes })
        for (const [place, value] of set) {
          const [key, field] = place.split(' ') as [string, string]
          const wanted = first.get(key)?.fields[field]
          const isEdit = JSON.stringify(wanted ?? null) !== JSON.stringify(value)
          if (!isEdit || !later.has(key)) continue
          assert.deepEqual(after.get(key)?.fields[field], value)
          assert.ok(
            overrides.some((each) => `${each.kind}/${each.id} ${each.field}` === place),
            place,
          )
        }
        assert.deepEqual(diff(after, later, KEEP).changes, [])
      }),
    )
  })

  test('undoes every edit with policy revert', () => {
    fc.assert(
      fc.property(services, documents, edits, (all, docs, randomEdits) => {
        const { state: wanted } = desire(all, { documents: docs })
        const inKong = applied(wanted)
        const { edited } = editAtRandom(inKong, randomEdits)
        assert.deepEqual(sorted(applyAll(edited, diff(edited, wanted, REVERT))), sorted(inKong))
      }),
    )
  })

  test('brings dropped tags back and takes nothing over', () => {
    fc.assert(
      fc.property(services, fc.nat(), (all, at) => {
        const { state: wanted } = desire(all)
        const keys = ours(wanted)
        if (keys.length === 0) return
        const key = keys[at % keys.length]!
        const bare = new Map(applied(wanted)).set(key, { ...wanted.get(key)!, tags: [], owner: '' })
        const { changes, conflicts } = diff(bare, wanted, KEEP)
        assert.deepEqual([changes.map(({ fields }) => fields), conflicts], [[['tags']], []])
        assert.deepEqual(diff(applyAll(bare, { changes }), wanted, KEEP).changes, [])
      }),
    )
  })
})

describe('any prefix of the ordered changes', () => {
  const upstreamOf = (state: KongState, route: Entity): Entity | undefined => {
    const host = state.get(`service/${route.parent}`)?.fields.host
    return [...state.values()].find(({ kind, name }) => kind === 'upstream' && name === host)
  }

  const isRoutable = (state: KongState, route: Entity): boolean => {
    const upstream = upstreamOf(state, route)
    return [...state.values()].some(
      ({ kind, parent, fields }) => kind === 'target' && parent === upstream?.id && Number(fields.weight) > 0,
    )
  }

  /** Consul itself says that nobody serves: the upstream stays and is empty. */
  const isEmptyByWish = (goal: KongState, route: Entity): boolean =>
    upstreamOf(goal, route) !== undefined && !isRoutable(goal, route)

  const hostsOf = (state: KongState): Set<string> =>
    new Set(
      [...state.values()].flatMap(({ kind, fields }) =>
        kind === 'route' ? ((fields.hosts ?? []) as string[]) : [],
      ),
    )

  test('leaves Kong serving, in whatever order a step runs', () => {
    fc.assert(
      fc.property(
        services,
        services,
        documents,
        documents,
        fc.nat(),
        (first, second, docs, laterDocs, seed) => {
          const before = applied(desire(first, { documents: docs }).state)
          const wanted = desire(second, { documents: laterDocs, actual: before }).state
          const goal = applyAll(before, diff(before, wanted, KEEP))
          const stays = [...hostsOf(before)].filter((host) => hostsOf(goal).has(host))
          let state = before
          const look = (): void => {
            for (const route of state.values()) {
              if (route.kind !== 'route') continue
              const key = keyOf(route)
              assert.ok(state.has(`service/${route.parent}`), 'a route without its service')
              const should = (!before.has(key) || isRoutable(before, route)) && !isEmptyByWish(goal, route)
              assert.ok(!should || isRoutable(state, route), `${route.name} leads to nobody`)
            }
            for (const host of stays) assert.ok(hostsOf(state).has(host), `${host} is routed nowhere`)
          }
          look()
          for (const step of orderChanges(diff(before, wanted, KEEP).changes)) {
            for (const change of rotate(step, seed)) {
              state = applyChange(state, change)
              look()
            }
          }
          assert.deepEqual(sorted(state), sorted(goal))
        },
      ),
    )
  })

  const rotate = <T>(list: readonly T[], by: number): T[] => {
    const at = list.length === 0 ? 0 : by % list.length
    return [...list.slice(at), ...list.slice(0, at)]
  }
})
