import type { Desired } from '../../core/desired.ts'
import type { Entity } from '../../core/entity.ts'
import { BUILT_IN } from '../../core/settings-defaults.ts'
import { type Finding, ok, warning } from './finding.ts'

/**
 * Kong has the plugins: does a process work for them? It tells each operator every 5 s, and who is silent for 15 s is not
 * listed any more. Pure.
 */
export function judgePluginProcesses(
  processes: readonly { readonly node: string }[],
  addr: string,
): readonly Finding[] {
  if (processes.length > 0) {
    return [
      ok('plugins', `working, and known to the operator: ${processes.map(({ node }) => node).join(', ')}`),
    ]
  }
  return [
    warning(
      'plugins',
      `Kong has loaded the plugins, but no plugin process has told the operator at ${addr} of itself for 15 s: ` +
        'circuits and counts are missing; where none runs at all, requests pass, and those of a new service get 500',
      'see that kongsul plugins runs beside Kong (GET /healthz on port 8082), that its plugins.operators names this ' +
        'operator, and that both have the same KONGSUL_FEED_TOKEN',
    ),
  ]
}

/** `preserve` is taken for it where it writes one for clients that send no trace. */
function writesTraceparent(fields: Entity['fields']): boolean {
  const inject = fields['config.propagation.inject'] ?? ['preserve']
  if (!Array.isArray(inject)) return false
  const format = fields['config.propagation.default_format'] ?? 'w3c'
  return inject.includes('w3c') || (inject.includes('preserve') && (format === 'w3c' || format === 'mesh'))
}

/**
 * `random` hashes the header traceparent, which mesh-tracing sees to. A request without it is hashed by its client's
 * address, and so stays on one instance. Pure.
 */
export function judgeRandomServices({
  services,
  state,
}: Pick<Desired, 'services' | 'state'>): readonly Finding[] {
  const traced = new Set(
    [...state.values()]
      .filter(
        ({ kind, name, fields }) =>
          kind === 'plugin' &&
          name === 'mesh-tracing' &&
          fields['config.enabled'] === true &&
          writesTraceparent(fields),
      )
      .map(({ owner }) => owner),
  )
  const lonely = services
    .filter(({ strategy, service }) => strategy === 'random' && !traced.has(service))
    .map(({ service }) => service)
  if (lonely.length === 0) return []
  return [
    warning(
      'instances',
      `${lonely.join(', ')}: strategy random spreads requests by the traceparent header that tracing sets, and there it is off or sets none`,
      `turn it on (tracing.enabled with w3c in tracing.propagation.inject, and mesh-tracing loaded in Kong), or choose ${BUILT_IN.loadBalancing.strategy}: ` +
        'a request without the header follows the address of its client',
    ),
  ]
}
