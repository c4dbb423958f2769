import type { AgentRegistration } from '../../api/registration.ts'
import { isSameJson } from '../../core/canonical-json.ts'
import type { CatalogSnapshot, Instance } from '../../core/catalog.ts'
import type { Json } from '../../core/entity.ts'
import { parseText } from '../../core/settings-document.ts'
import { hashOf } from '../../core/tags.ts'
import type { DeployFile } from './deploy-file.ts'

/** Meta of an instance that `deploy` registered: the hash of what it asked for. Who registers it anew takes it away. */
export const DEPLOYED_META = 'kongsul-deployed'

export interface InstanceChange {
  readonly what: 'instance'
  readonly action: 'register' | 'update' | 'deregister'
  readonly service: string
  readonly id: string
  readonly registration: AgentRegistration
  /** Of an update: why. */
  readonly note: string
}

export interface SettingsChange {
  readonly what: 'settings'
  readonly action: 'write' | 'replace' | 'delete'
  readonly service: string
  readonly key: string
  readonly text: string
}

export type ConsulChange = InstanceChange | SettingsChange

/** What is in Consul. */
export interface FoundInConsul {
  readonly snapshot: CatalogSnapshot
  /** Texts of KV by key. */
  readonly documents: ReadonlyMap<string, string>
}

/** What Consul lacks of a file: settings first, so that nothing is routed without them. Pure. */
export function deployChanges(file: DeployFile, found: FoundInConsul): readonly ConsulChange[] {
  return [...settingsToWrite(file, found), ...instancesToRegister(file, found)]
}

/** What Consul would have with these changes. */
export function withChanges(
  { snapshot, documents }: FoundInConsul,
  changes: readonly ConsulChange[],
  node: string,
): FoundInConsul {
  const services = new Map(snapshot.services)
  const texts = new Map(documents)
  for (const change of changes) {
    if (change.what === 'settings') {
      if (change.action === 'delete') texts.delete(change.key)
      else texts.set(change.key, change.text)
      continue
    }
    const others = (services.get(change.service) ?? []).filter(({ id }) => id !== change.id)
    const isGone = change.action === 'deregister'
    if (isGone && others.length === 0) services.delete(change.service)
    else services.set(change.service, isGone ? others : [...others, instanceOf(change.registration, node)])
  }
  return { snapshot: { ...snapshot, services }, documents: texts }
}

/**
 * What `deploy` of this file left in Consul, and what somebody else has made of it since, which stays. Pure.
 * @returns `kept` as sentences
 */
export function destroyChanges(
  file: DeployFile,
  found: FoundInConsul,
): { readonly changes: readonly ConsulChange[]; readonly kept: readonly string[] } {
  const kept: string[] = []
  const instances = file.registrations.flatMap((registration): InstanceChange[] => {
    const { ID: id, Name: service } = registration
    const instance = instanceIn(found.snapshot, registration)
    if (instance === undefined) return []
    if (instance.meta[DEPLOYED_META] === undefined) {
      kept.push(`${id} stays: it was not registered by kongsul deploy`)
      return []
    }
    return [{ what: 'instance', action: 'deregister', service, id, registration, note: '' }]
  })
  const settings = [...file.settings].flatMap(([service, document]): SettingsChange[] => {
    const key = settingsKey(service)
    const text = found.documents.get(key)
    if (text === undefined) return []
    if (!isDocument(text, document)) {
      kept.push(`KV ${key} stays: it is not what the file says`)
      return []
    }
    return [{ what: 'settings', action: 'delete', service, key, text }]
  })
  return { changes: [...instances, ...settings], kept }
}

function settingsToWrite({ settings }: DeployFile, { documents }: FoundInConsul): SettingsChange[] {
  return [...settings].flatMap(([service, document]): SettingsChange[] => {
    const key = settingsKey(service)
    const before = documents.get(key)
    if (before !== undefined && isDocument(before, document)) return []
    const action = before === undefined ? 'write' : 'replace'
    return [{ what: 'settings', action, service, key, text: JSON.stringify(document, null, 2) }]
  })
}

function instancesToRegister({ registrations }: DeployFile, { snapshot }: FoundInConsul): InstanceChange[] {
  return registrations.flatMap((asked): InstanceChange[] => {
    const registration = marked(asked)
    const { ID: id, Name: service } = registration
    const instance = instanceIn(snapshot, registration)
    const change = { what: 'instance', service, id, registration } as const
    if (instance === undefined) return [{ ...change, action: 'register', note: '' }]
    if (isAsAsked(instance, registration)) return []
    const isOurs = instance.meta[DEPLOYED_META] !== undefined
    const note = isOurs ? '' : 'registered already, not by deploy: becomes what the file says'
    return [{ ...change, action: 'update', note }]
  })
}

const settingsKey = (service: string): string => `mesh/services/${service}`

/** Consul does not tell what a check asks: the hash stands for all of it. */
function marked(registration: AgentRegistration): AgentRegistration {
  const hash = hashOf(registration as unknown as Json)
  return { ...registration, Meta: { ...registration.Meta, [DEPLOYED_META]: hash } }
}

const instanceIn = (
  { services }: CatalogSnapshot,
  { Name, ID }: Pick<AgentRegistration, 'Name' | 'ID'>,
): Instance | undefined => services.get(Name)?.find(({ id }) => id === ID)

function isAsAsked({ address, port, tags, meta }: Instance, asked: AgentRegistration): boolean {
  return (
    address === asked.Address &&
    port === asked.Port &&
    isSameJson([...tags].sort(), [...asked.Tags].sort()) &&
    isSameJson(meta as Json, asked.Meta as Json)
  )
}

function isDocument(text: string, document: Json): boolean {
  const parsed = parseText(text)
  return parsed.ok && isSameJson(parsed.value as Json, document)
}

/** As it will be once its checks have passed. */
const instanceOf = (
  { ID, Address, Port, Tags, Meta, Weights }: AgentRegistration,
  node: string,
): Instance => ({
  ...{ node, id: ID, address: Address, port: Port, tags: Tags, meta: Meta },
  weights: { passing: Weights?.Passing ?? 1, warning: Weights?.Warning ?? 1 },
  kind: '',
  checks: [],
})
