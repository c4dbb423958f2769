/** Services as a table has them: judged, searched, sorted, page by page. */

import type { ListedService, ServiceMetrics, Topology } from './api-shapes.ts'
import { compareLevels, judgeService, type Verdict } from './severity.ts'

export interface ServiceRow extends ServiceMetrics {
  readonly verdict: Verdict
}

export const SORTS = ['worst', 'name', 'rate', 'errors', 'p95', 'instances'] as const
export type Sort = (typeof SORTS)[number]

/** The same row as before where nothing changed, and the same rows where none did, so that nothing is drawn anew. */
export function serviceRows(
  services: Readonly<Record<string, ServiceMetrics>>,
  before: ReadonlyMap<string, ServiceRow> = new Map(),
): ReadonlyMap<string, ServiceRow> {
  const rows = new Map<string, ServiceRow>()
  let isAnyOther = false
  for (const [name, metrics] of Object.entries(services)) {
    const known = before.get(name)
    const isKnown = known !== undefined && isSame(known, metrics)
    if (!isKnown) isAnyOther = true
    rows.set(name, isKnown ? known : { ...metrics, verdict: judgeService(metrics) })
  }
  return isAnyOther || rows.size !== before.size ? rows : before
}

/** In order; the list of before where the services are the same. */
export function namesOf(services: object, before: readonly string[] = []): readonly string[] {
  const names = Object.keys(services).sort()
  return names.length === before.length && names.every((name, at) => name === before[at]) ? before : names
}

/** Where nobody measures: names and health, without traffic. */
export function unmeasured(
  listed: readonly ListedService[],
  topology: Topology | null,
): Readonly<Record<string, ServiceMetrics>> {
  return Object.fromEntries(
    listed.map(({ service_name, total, healthy, degraded, unhealthy }) => [
      service_name,
      {
        service_name,
        instance_count: total,
        healthy_count: healthy,
        degraded_count: degraded,
        unhealthy_count: unhealthy,
        request_rate: 0,
        error_rate: 0,
        p50_latency: 0,
        p95_latency: 0,
        p99_latency: 0,
        circuit_breakers_open: topology?.service_circuits[service_name] === 'open' ? 1 : 0,
        active_connections: 0,
        health_percentage: total === 0 ? 0 : (100 * healthy) / total,
      },
    ]),
  )
}

export function sortRows(rows: Iterable<ServiceRow>, sort: Sort): readonly ServiceRow[] {
  return [...rows].sort((left, right) => ORDER[sort](left, right) || byName(left, right))
}

/** Every word of the search is part of the name. */
export function matchesSearch(name: string, search: string): boolean {
  const lower = name.toLowerCase()
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word))
}

/** Best matches first: as typed, beginning so, containing it. */
export function findNames(names: Iterable<string>, search: string, limit: number): readonly string[] {
  const wanted = search.trim().toLowerCase()
  if (wanted === '') return []
  const rank = (name: string) => {
    const lower = name.toLowerCase()
    return lower === wanted ? 0 : lower.startsWith(wanted) ? 1 : 2
  }
  return [...names]
    .filter((name) => matchesSearch(name, wanted))
    .sort((left, right) => rank(left) - rank(right) || (left < right ? -1 : 1))
    .slice(0, limit)
}

export interface Page<T> {
  readonly shown: readonly T[]
  readonly page: number
  readonly pages: number
}

/** A page that is not there is the nearest that is. @param page from 1 */
export function pageOf<T>(all: readonly T[], page: number, size: number): Page<T> {
  const pages = Math.max(1, Math.ceil(all.length / size))
  const at = Math.min(Math.max(1, Number.isFinite(page) ? Math.trunc(page) : 1), pages)
  return { shown: all.slice((at - 1) * size, at * size), page: at, pages }
}

type Compare = (left: ServiceRow, right: ServiceRow) => number

const byName: Compare = (left, right) => (left.service_name < right.service_name ? -1 : 1)
const most =
  (read: (row: ServiceRow) => number): Compare =>
  (left, right) =>
    read(right) - read(left)

const ORDER: Readonly<Record<Sort, Compare>> = {
  worst: (left, right) =>
    compareLevels(left.verdict.level, right.verdict.level) ||
    right.error_rate - left.error_rate ||
    left.health_percentage - right.health_percentage ||
    right.request_rate - left.request_rate,
  name: byName,
  rate: most((row) => row.request_rate),
  errors: most((row) => row.error_rate),
  p95: most((row) => row.p95_latency),
  instances: most((row) => row.instance_count),
}

const FIELDS = [
  'instance_count',
  'healthy_count',
  'degraded_count',
  'request_rate',
  'error_rate',
  'p50_latency',
  'p95_latency',
  'p99_latency',
  'circuit_breakers_open',
  'active_connections',
] as const

const isSame = (left: ServiceMetrics, right: ServiceMetrics): boolean =>
  FIELDS.every((field) => left[field] === right[field])
