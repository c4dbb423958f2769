import type { CatalogSnapshot, Check, CheckStatus, Instance } from '../../../operator/core/catalog.ts'

/** An instance at 10.0.0.N:80 whose one check has this status. */
export function instanceOf(id: string, status: CheckStatus, over: Partial<Instance> = {}): Instance {
  const check: Check = { id: `service:${id}`, name: 'up', status, serviceId: id }
  return {
    node: 'n1',
    id,
    address: `10.0.0.${Number(/\d+$/.exec(id)?.[0] ?? 1)}`,
    port: 80,
    tags: [],
    meta: {},
    weights: { passing: 1, warning: 1 },
    kind: '',
    checks: [check],
    ...over,
  }
}

export const snapshotOf = (services: Readonly<Record<string, readonly Instance[]>>): CatalogSnapshot => ({
  services: new Map(Object.entries(services)),
})
