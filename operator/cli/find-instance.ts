import type { CatalogSnapshot, Instance } from '../core/catalog.ts'
import { CliError } from './cli-error.ts'

export interface FoundInstance {
  readonly service: string
  readonly instance: Instance
}

/**
 * The one instance that `text` names: a Consul service id, or `service/id`.
 * @throws CliError NO_SUCH_INSTANCE or AMBIGUOUS_INSTANCE that lists what there is.
 */
export function findInstance(snapshot: CatalogSnapshot, text: string, node?: string): FoundInstance {
  const all = [...snapshot.services].flatMap(([service, instances]) =>
    instances.map((instance) => ({ service, instance })),
  )
  const found = all.filter(
    ({ service, instance }) =>
      (instance.id === text || `${service}/${instance.id}` === text) && (!node || instance.node === node),
  )
  const tried = `looking for the instance ${text}${node ? ` on node ${node}` : ''} in Consul`
  if (found.length === 0) {
    const ids = all.filter(({ service }) => service !== 'consul').map(({ instance }) => instance.id)
    throw new CliError('NO_SUCH_INSTANCE', {
      tried,
      answer: `there is none; Consul has ${ids.slice(0, 10).join(', ') || 'no services'}${ids.length > 10 ? ', ...' : ''}`,
      remedy: 'give a Consul service id, or service/id; kongsul status lists them',
    })
  }
  if (found.length > 1) {
    throw new CliError('AMBIGUOUS_INSTANCE', {
      tried,
      answer: `there are several: ${found.map((each) => `${each.service}/${each.instance.id} on ${each.instance.node}`).join(', ')}`,
      remedy: 'give service/id, or --node NODE',
    })
  }
  return found[0]!
}
