/**
 * What callers need in Kong, joined to what services need: consumers with their keys, and on the Kong services of whoever
 * does not let everybody in the plugins that decide. What was joined before is joined again only where something of
 * it changed; without intentions and identities nothing is done at all.
 */

import type { Desired } from '../desired-answer.ts'
import { type Entity, type HeldState, isCallerKind, type KongState, keyOf } from '../entity.ts'
import { patchedMap } from '../patched-map.ts'
import type { Problem } from '../problem.ts'
import type { ServiceSettings } from '../settings.ts'
import { isOwnedBy } from '../tags.ts'
import { callerEntities } from './caller-entities.ts'
import { type Gate, gateOf } from './gate.ts'
import type { Identity } from './identities.ts'
import type { AcceptedIntentions, Action } from './intention.ts'
import { type IntentionIndex, indexIntentions } from './intention-rules.ts'

/** What Consul says of who may call whom. Another object when anything of it changed. */
export interface Intentions {
  /** null: never read. Then what Kong enforces stays, and nothing is opened. */
  readonly accepted: AcceptedIntentions | null
  /** What Consul does where no intention matches; null: not known. */
  readonly byDefault: Action | null
}

export interface Callers {
  readonly identities: readonly Identity[]
  /** Keys of key-auth by `<service>/<kid>`. */
  readonly keys: ReadonlyMap<string, string>
  readonly problems: readonly Problem[]
}

export interface AccessInput {
  readonly mesh: string
  readonly intentions: Intentions | undefined
  /** undefined: not known; then the callers that Kong knows stay. */
  readonly callers: Callers | undefined
  readonly actual: HeldState
  readonly settingsOf: (service: string) => ServiceSettings | undefined
  /** See ServicePlan.answering. */
  readonly answeringOf: (service: string) => ReadonlyMap<string, readonly string[]> | undefined
}

export interface AccessMemory {
  readonly intentions: Intentions | undefined
  readonly index: IntentionIndex
  readonly callers: Callers | undefined
  readonly byCaller: ReadonlyMap<string, Caller>
  readonly gates: ReadonlyMap<string, Gate>
  readonly joined: ReadonlyMap<string, Joined>
  /** The state before and after they were joined. */
  readonly plain: KongState
  readonly state: KongState
}

interface Caller {
  /** What it was made of. */
  readonly text: string
  readonly entities: readonly Entity[]
}

interface Joined {
  readonly parts: readonly (readonly Entity[])[]
  readonly group: readonly Entity[]
}

export const NO_ACCESS: AccessMemory = {
  intentions: undefined,
  index: new Map(),
  callers: undefined,
  byCaller: new Map(),
  gates: new Map(),
  joined: new Map(),
  plain: new Map(),
  state: new Map(),
}

export interface WithAccess {
  readonly answer: Desired
  readonly memory: AccessMemory
}

/** @param plain what services need */
export function joinAccess(plain: Desired, input: AccessInput, before: AccessMemory): WithAccess {
  const { intentions, callers } = input
  const index =
    intentions === before.intentions ? before.index : indexIntentions(intentions?.accepted?.list ?? [])
  const byCaller = callersOf(input, before)
  const gates = new Map<string, Gate>()
  for (const { service } of plain.services) {
    const group = plain.groups.get(service) ?? []
    const gate = group.length === 0 ? null : gateOf(service, group, input, index, before.gates.get(service))
    if (gate !== null) gates.set(service, gate)
  }
  const joined = new Map<string, Joined>()
  for (const name of new Set([...byCaller.keys(), ...gates.keys()])) {
    const parts = [plain.groups.get(name), byCaller.get(name)?.entities, gates.get(name)?.entities].map(
      (part) => (part === undefined || part.length === 0 ? NOTHING : part),
    )
    if (parts[1] === NOTHING && parts[2] === NOTHING) continue
    const known = before.joined.get(name)
    const isKnown = known?.parts.every((part, at) => part === parts[at]) === true
    joined.set(name, isKnown ? known! : { parts, group: parts.flat() })
  }
  const isSame =
    plain.state === before.plain &&
    joined.size === before.joined.size &&
    [...joined].every(([name, each]) => before.joined.get(name) === each)
  const state = isSame ? before.state : stateWith(plain.state, joined)
  const memory = { intentions, index, callers, byCaller, gates, joined, plain: plain.state, state }
  const problems = [
    ...(intentions?.accepted?.problems ?? []),
    ...(callers?.problems ?? []),
    ...[...gates.values()].flatMap((gate) => gate.problems),
  ]
  const groups = new Map(plain.groups)
  for (const [name, { group }] of joined) groups.set(name, group)
  const answer: Desired = {
    ...plain,
    state,
    groups: joined.size === 0 ? plain.groups : groups,
    access: new Map(
      [...gates]
        .filter(([, { report }]) => report.lets !== 'all')
        .map(([name, { report }]) => [name, report]),
    ),
    gates: new Map([...gates].map(([name, { entities }]) => [name, entities])),
    problems: problems.length === 0 ? plain.problems : [...plain.problems, ...problems],
  }
  return { answer, memory }
}

const NOTHING: readonly Entity[] = []

function stateWith(plain: KongState, joined: ReadonlyMap<string, Joined>): KongState {
  if (joined.size === 0) return plain
  const added = [...joined.values()].flatMap(({ parts: [, ...rest] }) => rest.flat())
  return patchedMap(
    plain,
    [],
    added.map((each) => [keyOf(each), each] as const),
  )
}

/** Consumers with what hangs on them, by the service that calls. */
function callersOf(
  { mesh, callers, actual }: AccessInput,
  before: AccessMemory,
): ReadonlyMap<string, Caller> {
  if (callers === undefined) return heldCallers(actual, mesh)
  if (callers === before.callers) return before.byCaller
  const byCaller = new Map<string, Identity[]>()
  for (const identity of callers.identities) {
    const own = byCaller.get(identity.service)
    if (own === undefined) byCaller.set(identity.service, [identity])
    else own.push(identity)
  }
  return new Map(
    [...byCaller].map(([service, identities]) => {
      const keys = identities.map(({ kid }) => callers.keys.get(`${service}/${kid}`))
      const text = JSON.stringify([identities, keys])
      const known = before.byCaller.get(service)
      const entities = () => callerEntities(mesh, service, identities, callers.keys, actual)
      return [service, known?.text === text ? known : { text, entities: entities() }]
    }),
  )
}

/** As Kong has them: whoever decides without having read KV takes no identity away. */
function heldCallers(actual: HeldState, mesh: string): ReadonlyMap<string, Caller> {
  const held = new Map<string, Entity[]>()
  for (const entity of actual.values()) {
    if (!isCallerKind(entity.kind) || !isOwnedBy(mesh, entity.tags)) continue
    held.set(entity.owner, [...(held.get(entity.owner) ?? []), entity])
  }
  return new Map([...held].map(([service, entities]) => [service, { text: '', entities }]))
}
