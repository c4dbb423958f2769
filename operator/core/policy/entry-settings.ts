/** What service-resolver, service-defaults and proxy-defaults say of a service's own settings. */

import type { AcceptedSettings, ServiceSettings, Source } from '../settings.ts'
import type { Protocol, Settings } from '../settings-defaults.ts'
import type { ConfigEntries } from './config-entries.ts'
import { balancingOf } from './load-balancer.ts'

/** Settings with the entries as a layer over `mesh/defaults` and under meta and `mesh/services/<name>`. */
export function withEntrySettings(accepted: AcceptedSettings, entries: ConfigEntries): AcceptedSettings {
  const known = layered.get(accepted)
  if (known?.entries === entries) return known.result
  const results = new WeakMap<ServiceSettings, Map<string, ServiceSettings>>()
  const result: AcceptedSettings = {
    mesh: accepted.mesh,
    forService(name, instances) {
      const plain = accepted.forService(name, instances)
      if (!saysSomething(name, entries)) return plain
      const ofPlain = results.get(plain) ?? new Map<string, ServiceSettings>()
      results.set(plain, ofPlain)
      const before = ofPlain.get(name)
      if (before !== undefined) return before
      const effective = overlaid(name, plain, entries)
      ofPlain.set(name, effective)
      return effective
    },
  }
  layered.set(accepted, { entries, result })
  return result
}

const layered = new WeakMap<
  AcceptedSettings,
  { readonly entries: ConfigEntries; readonly result: AcceptedSettings }
>()

const saysSomething = (name: string, { protocol, protocols, resolvers }: ConfigEntries): boolean =>
  protocol !== null || protocols.has(name) || resolvers.has(name)

function overlaid(name: string, plain: ServiceSettings, entries: ConfigEntries): ServiceSettings {
  let { settings } = plain
  const sources: Record<string, Source> = { ...plain.sources }
  const mayset = (...paths: string[]): boolean =>
    paths.every((path) => !/^(?:meta$|mesh\/services\/)/.test(sources[path] ?? 'built-in'))
  const apply = (source: Source, paths: readonly string[], next: Partial<Settings>): void => {
    if (!mayset(...paths)) return
    settings = { ...settings, ...next }
    for (const path of paths) sources[path] = source
  }
  const own = entries.protocols.get(name)
  const protocol: Protocol | null = own ?? entries.protocol
  if (protocol !== null) {
    apply(own === undefined ? 'proxy-defaults' : 'service-defaults', ['protocol'], { protocol })
  }
  const resolver = entries.resolvers.get(name)
  if (resolver?.ConnectTimeout) {
    const timeouts = { ...settings.timeouts, connectMs: resolver.ConnectTimeout }
    apply('service-resolver', ['timeouts.connectMs'], { timeouts })
  }
  if (resolver?.RequestTimeout) {
    const { RequestTimeout } = resolver
    const timeouts = { ...settings.timeouts, readMs: RequestTimeout, writeMs: RequestTimeout }
    apply('service-resolver', ['timeouts.readMs', 'timeouts.writeMs'], { timeouts })
  }
  const { loadBalancing, problems } = balancingOf(name, resolver)
  if (loadBalancing !== null) {
    apply('service-resolver', ['loadBalancing.strategy', 'loadBalancing.hashOn'], { loadBalancing })
  }
  return { settings, sources, problems: [...plain.problems, ...problems] }
}
