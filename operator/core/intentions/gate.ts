/** The gate of one service: the entities that let its callers in, and what is told of it. */

import { isSameJson } from '../canonical-json.ts'
import { type Entity, type HeldState, type Json, keyOf } from '../entity.ts'
import { policyPluginId, serviceName } from '../names.ts'
import type { Problem } from '../problem.ts'
import type { Settings } from '../settings-defaults.ts'
import { type AccessReport, reportOf, unknownReport } from './access-report.ts'
import { anonymousGroupId, anonymousId } from './caller-entities.ts'
import { GATE_PLUGINS, gateEntities } from './gate-entities.ts'
import type { Intention } from './intention.ts'
import { type Access, accessTo, accessToBoth, type IntentionIndex, OPEN } from './intention-rules.ts'
import type { AccessInput } from './join-access.ts'

export interface Gate {
  readonly madeOf: readonly unknown[]
  readonly entities: readonly Entity[]
  readonly report: AccessReport
  readonly problems: readonly Problem[]
}

const NOTHING: readonly Entity[] = []

/** null for a service that lets everybody in, as almost all do where nobody has written an intention. */
export function gateOf(
  service: string,
  group: readonly Entity[],
  input: AccessInput,
  index: IntentionIndex,
  known: Gate | undefined,
): Gate | null {
  const { intentions, actual, mesh } = input
  const settings = input.settingsOf(service)?.settings
  if (settings === undefined) return null
  const answering = input.answeringOf(service)
  const byDefault =
    settings.intentions.default === 'consul' ? (intentions?.byDefault ?? null) : settings.intentions.default
  const isKnown = intentions?.accepted != null && byDefault !== null
  if (isKnown && index.size === 0 && byDefault === 'allow') return null
  const madeOf = [group, intentions, settings, answering]
  if (isKnown && known !== undefined && madeOf.every((each, at) => each === known.madeOf[at])) return known
  const kongServices = group.filter(({ kind }) => kind === 'service').map(({ name }) => name)
  if (!isKnown) {
    const held = heldGate(service, kongServices, actual, mesh, known?.entities ?? NOTHING)
    const isClosed = held.length === 0 && settings.intentions.default === 'deny'
    const entities = isClosed
      ? kongServices.flatMap((name) => gateEntities(mesh, service, name, NOBODY_IN, optionsOf(settings)))
      : held
    if (intentions === undefined && entities.length === 0) return null
    return sameGate(known, { madeOf: [], entities, report: unknownReport(entities.length > 0), problems: [] })
  }
  const problems: Problem[] = []
  const onMixed = (intention: Intention): void => {
    const problem = mixedProblem(service, intention)
    if (!problems.some(({ message }) => message === problem.message)) problems.push(problem)
  }
  const options = optionsOf(settings)
  const accesses = kongServices.map((name): [string, Access] => {
    const names = answering?.get(name) ?? [service]
    const each = names.map((one) => accessTo(one, index, byDefault, onMixed))
    return [name, each.reduce(accessToBoth, OPEN)]
  })
  // Most have one Kong service. Of several, which policies made, the service's own is told where it keeps anybody out.
  const closed = accesses.filter(([, access]) => access.kind !== 'open')
  const told = closed.find(([name]) => name === serviceName(service)) ?? closed[0]
  // Loose in one place is loose: whoever comes that way reaches the service.
  const isLoose = options.isAnonymousAllowed && closed.some(([, access]) => access.kind === 'except')
  const report = reportOf(told?.[1] ?? OPEN, isLoose)
  if (report.note !== '') problems.push(looseProblem(service, report.note))
  const entities = accesses.flatMap(([name, access]) => gateEntities(mesh, service, name, access, options))
  return sameGate(known, { madeOf, entities, report, problems })
}

const NOBODY_IN: Access = { kind: 'only', callers: [] }

const optionsOf = ({ auth, intentions }: Settings) => ({
  methods: auth.methods,
  isAnonymousAllowed: intentions.anonymous === 'allow',
})

/** What Kong holds of a service's gates, or what was decided last, should Kong have lost it meanwhile. */
function heldGate(
  service: string,
  kongServices: readonly string[],
  actual: HeldState,
  mesh: string,
  last: readonly Entity[],
): readonly Entity[] {
  const wanted = kongServices.flatMap((name) => [
    ...GATE_PLUGINS.map((plugin) => `plugin/${policyPluginId(mesh, name, plugin)}`),
    `consumer/${anonymousId(mesh, name)}`,
    `acl/${anonymousGroupId(mesh, name)}`,
  ])
  const held = wanted.flatMap((key) => {
    const entity = actual.get(key)
    return entity !== undefined && entity.owner === service ? [entity] : []
  })
  const ids = new Set(held.map(keyOf))
  return [...held, ...last.filter((each) => !ids.has(keyOf(each)))]
}

/** Where nothing came out different the entities are the same list. */
function sameGate(known: Gate | undefined, next: Gate): Gate {
  if (known === undefined) return next
  const isSame = isSameJson(known.entities as unknown as Json, next.entities as unknown as Json)
  return isSame ? { ...next, entities: known.entities } : next
}

const mixedProblem = (service: string, { source, destination }: Intention): Problem => ({
  code: 'INTENTION_UNSUPPORTED',
  severity: 'warning',
  service,
  message: `intention ${source} -> ${destination} lets some requests in and not others (Permissions): Kong tells callers apart, not their requests, so ${source} is kept out altogether; allow or deny it as a whole`,
})

const looseProblem = (service: string, note: string): Problem => ({
  code: 'INTENTIONS_NOT_ENFORCED',
  severity: 'warning',
  service,
  message: `${service}: ${note}; take intentions.anonymous out of KV once all callers have identities`,
})
