/** Consul's configuration entries that kongsul translates: read from raw JSON, the last good one kept. */

import type { z } from 'zod'
import { isSameJson } from '../canonical-json.ts'
import type { Json } from '../entity.ts'
import type { Problem } from '../problem.ts'
import type { Protocol } from '../settings-defaults.ts'
import {
  DEFAULTS,
  PROXY_DEFAULTS,
  RESOLVER,
  type ResolverDocument,
  ROUTER,
  type RouterDocument,
  SPLITTER,
  type SplitterDocument,
} from './entry-schema.ts'
import { readEntry } from './read-entry.ts'
import { saysSomething } from './unknown-condition.ts'

/** Kinds that are read, in Consul's spelling. */
export const ENTRY_KINDS = [
  'service-router',
  'service-splitter',
  'service-resolver',
  'service-defaults',
  'proxy-defaults',
] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]

export interface ConfigEntries {
  readonly routers: ReadonlyMap<string, RouterDocument>
  readonly splitters: ReadonlyMap<string, SplitterDocument>
  readonly resolvers: ReadonlyMap<string, ResolverDocument>
  /** What `service-defaults` says of the protocol, where it says something. */
  readonly protocols: ReadonlyMap<string, Protocol>
  /** What `proxy-defaults` says for everybody; null where it is silent. */
  readonly protocol: Protocol | null
}

export const NO_ENTRIES: ConfigEntries = {
  routers: new Map(),
  splitters: new Map(),
  resolvers: new Map(),
  protocols: new Map(),
  protocol: null,
}

/** Raw rows of `/v1/config/<kind>`; a kind that was never read is missing. */
export type RawEntries = ReadonlyMap<EntryKind, readonly unknown[]>

export interface AcceptedEntries {
  readonly entries: ConfigEntries
  readonly problems: readonly Problem[]
  /** Why, by `<kind>/<name>`: these are not used, the last good one stays where there was one. */
  readonly refused: ReadonlyMap<string, readonly string[]>
}

/** @param previous what was accepted last: an entry that does not validate now stays as it was */
export function acceptEntries(previous: AcceptedEntries | null, raw: RawEntries): AcceptedEntries {
  const problems: Problem[] = []
  const refused = new Map<string, readonly string[]>()
  const before = previous?.entries ?? NO_ENTRIES
  const read = <S extends z.ZodType>(
    kind: EntryKind,
    schema: S,
    last: ReadonlyMap<string, z.output<S>>,
  ): ReadonlyMap<string, z.output<S>> => {
    const found = new Map<string, z.output<S>>()
    for (const row of [...(raw.get(kind) ?? [])].sort(byName)) {
      const name = nameOf(row)
      const entry = readEntry(schema, row)
      if (entry.ok) {
        const known = last.get(name)
        const isKnown = isSameJson(known as Json | undefined, entry.value as Json)
        found.set(name, isKnown ? known! : entry.value)
        if (entry.unknown.length > 0) problems.push(unknownFields(kind, name, entry.unknown))
        continue
      }
      const kept = last.get(name)
      if (kept !== undefined) found.set(name, kept)
      refused.set(`${kind}/${name}`, entry.errors)
      problems.push(...entry.errors.map((error) => invalid(kind, name, error, kept !== undefined)))
    }
    return sameMap(last, found)
  }
  const routers = read('service-router', ROUTER, before.routers)
  const splitters = read('service-splitter', SPLITTER, before.splitters)
  const resolvers = read('service-resolver', RESOLVER, before.resolvers)
  const protocols = new Map<string, Protocol>()
  for (const [name, { Protocol, ...rest }] of read('service-defaults', DEFAULTS, new Map())) {
    const protocol = protocolOf(String(Protocol ?? ''))
    if (protocol === undefined) problems.push(unknownProtocol('service-defaults', name, String(Protocol)))
    else if (protocol !== null) protocols.set(name, protocol)
    const others = sidecarFields(rest)
    if (others.length > 0) problems.push(forSidecars('service-defaults', name, others))
  }
  let protocol: Protocol | null = null
  for (const { Config, ...rest } of read('proxy-defaults', PROXY_DEFAULTS, new Map()).values()) {
    const { protocol: _protocol, ...config } = Config ?? {}
    const others = [...sidecarFields(rest), ...sidecarFields(config).map((field) => `Config.${field}`)]
    if (others.length > 0) problems.push(forSidecars('proxy-defaults', 'global', others))
    const said = protocolOf(typeof Config?.protocol === 'string' ? Config.protocol : '')
    if (said === undefined)
      problems.push(unknownProtocol('proxy-defaults', 'global', String(Config?.protocol)))
    // Consul's own default for everybody: it is no decision about any of them.
    else if (said !== 'tcp') protocol = said
  }
  const entries: ConfigEntries = {
    routers,
    splitters,
    resolvers,
    protocols: sameMap(before.protocols, protocols),
    protocol,
  }
  const isSame =
    previous !== null &&
    Object.entries(entries).every(([key, value]) => before[key as keyof ConfigEntries] === value)
  return { entries: isSame ? before : entries, problems, refused }
}

/** Does any entry ask for more than a plain service? */
export const hasPolicies = ({ routers, splitters, resolvers }: ConfigEntries): boolean =>
  routers.size + splitters.size + resolvers.size > 0

function sameMap<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const isSame = before.size === after.size && [...after].every(([key, value]) => before.get(key) === value)
  return isSame ? before : after
}

/** http2 to Kong is what gRPC needs; plain HTTP/2 to a service is not offered by it. undefined: not known. */
function protocolOf(said: string): Protocol | null | undefined {
  switch (said.toLowerCase()) {
    case '':
      return null
    case 'http':
    case 'http2':
      return 'http'
    case 'grpc':
      return 'grpc'
    case 'tcp':
      return 'tcp'
    default:
      return undefined
  }
}

const NOT_FOR_SIDECARS = new Set(['Kind', 'Name', 'Meta', 'CreateIndex', 'ModifyIndex', 'Hash'])
const NO_MATTER = new Set(['Namespace', 'Partition', 'Status'])

/** Fields that say something: Consul returns all of them, most with the value of nothing. */
function sidecarFields(rest: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(rest)
    .filter(([key, value]) => !NOT_FOR_SIDECARS.has(key) && !NO_MATTER.has(key) && saysSomething(value))
    .map(([key]) => key)
    .sort()
}

/** '' where it has no name that is text: such an entry is none of Consul's. */
export function nameOf(row: unknown): string {
  const name = (row as { readonly Name?: unknown } | null)?.Name
  return typeof name === 'string' ? name : ''
}

const byName = (left: unknown, right: unknown): number => (nameOf(left) < nameOf(right) ? -1 : 1)

const invalid = (kind: EntryKind, service: string, error: string, isKept: boolean): Problem => ({
  code: 'ENTRY_INVALID',
  severity: 'error',
  service: kind === 'proxy-defaults' ? '' : service,
  message: `${kind} ${service}: ${error}; ${isKept ? 'the last good entry stays' : 'the entry is not used'}`,
})

const unknownFields = (kind: EntryKind, service: string, fields: readonly string[]): Problem => ({
  code: 'ENTRY_FIELD_UNKNOWN',
  severity: 'info',
  service,
  message: `${kind} ${service}: ${fields.join(', ')} is not known to this version of kongsul and has no effect`,
})

const forSidecars = (kind: EntryKind, service: string, fields: readonly string[]): Problem => ({
  code: 'ENTRY_FOR_SIDECARS',
  severity: 'info',
  service: kind === 'proxy-defaults' ? '' : service,
  message: `${kind} ${service}: ${fields.join(', ')} ${fields.length === 1 ? 'is' : 'are'} for sidecars, without effect in Kong; only ${kind === 'proxy-defaults' ? 'Config.protocol' : 'Protocol'} is taken`,
})

const unknownProtocol = (kind: EntryKind, service: string, said: string): Problem => ({
  code: 'ENTRY_INVALID',
  severity: 'warning',
  service: kind === 'proxy-defaults' ? '' : service,
  message: `${kind} ${service}: protocol ${said} is not http, http2, grpc or tcp; it is left out`,
})
