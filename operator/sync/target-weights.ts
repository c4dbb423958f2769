import type { DesiredIndex } from './desired-index.ts'

/** Weights of the targets of one service, by `host:port`. */
export function targetWeights({ groups }: DesiredIndex, service: string): ReadonlyMap<string, number> {
  const targets = (groups.get(service) ?? []).filter(({ kind }) => kind === 'target')
  return new Map(targets.map(({ name, fields }) => [name, Number(fields.weight)]))
}
