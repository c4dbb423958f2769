import type { Explanation } from '../sync/explain.ts'
import type { Io } from './io.ts'
import { formatTable } from './table.ts'

/** What `explain` prints for people. */
export function explainLines(explanation: Explanation, io: Pick<Io, 'width' | 'paint'>): string[] {
  const { request, route, beat, service, targets, plugins } = explanation
  const { paint } = io
  if (route === null) {
    return [
      `No route of Kong takes ${request.method} ${request.url}: it answers 404.`,
      ...(explanation.hint === null ? [] : [explanation.hint]),
      ...nodeLines(explanation),
    ]
  }
  const owner = (managed: boolean) => (managed ? '' : ' (not managed by kongsul)')
  const table = (titles: readonly string[], rows: readonly (readonly string[])[]) =>
    formatTable(
      titles.map((title) => ({ title, shrinks: true })),
      rows,
      { width: io.width(), heading: paint.dim },
    ).map((line) => `  ${line}`)
  return [
    `${request.method} ${request.url}`,
    `route     ${paint.bold(route.name || route.id)}${owner(route.managed)}${route.note ? `: ${route.note}` : ''}`,
    ...beat.map((each) => `  beat    ${each.name || each.id}${owner(each.managed)}: ${each.reason}`),
    ...serviceLines(service, route.upstreamPath),
    ...(targets.length === 0
      ? []
      : table(
          ['TARGET', 'INSTANCE', 'WEIGHT', '', 'WHY'],
          targets.map((each) => [
            each.target,
            each.instance ?? '-',
            String(each.weight),
            each.in ? 'in' : 'out',
            each.reason,
          ]),
        )),
    ...(plugins.length === 0 ? ['plugins   none'] : ['plugins']),
    ...plugins.map(
      ({ name, scope, runs, reason }) => `  ${name} (${scope})${runs ? '' : `: not run, ${reason}`}`,
    ),
    ...nodeLines(explanation),
  ]
}

function serviceLines(service: Explanation['service'], path: string): string[] {
  if (service === null) return ['service   none: Kong answers by itself']
  const { name, id, host, enabled, upstream } = service
  const off = enabled ? '' : ', switched off'
  const via = upstream === null ? `${host} by DNS` : `upstream ${upstream.name} (${upstream.algorithm})`
  return [`service   ${name || id}${off} -> ${via}, path ${path}`]
}

/** Where Kong has several nodes: which one was read for the lines above, and what the others do otherwise. */
function nodeLines({ node, others }: Explanation): string[] {
  if (others.length === 0) return []
  return [
    `node      ${node} was read for this`,
    ...others.flatMap(({ node: other, error, differences }) => {
      if (error !== null) return [`          ${other} could not be read: ${error}`]
      if (differences.length === 0) return [`          ${other} does the same`]
      return differences.map((text) => `  differs ${other}: ${text}`)
    }),
  ]
}
