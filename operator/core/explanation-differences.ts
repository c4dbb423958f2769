/** Where two nodes of Kong would do different things with one request, in words. Plain data in and out. */

/** What one node does with a request, as far as nodes can differ. */
export interface ComparedExplanation {
  readonly route: { readonly id: string; readonly name: string; readonly upstreamPath: string } | null
  readonly service: {
    readonly id: string
    readonly name: string
    readonly host: string
    readonly enabled: boolean
    readonly upstream: { readonly name: string; readonly algorithm: string } | null
  } | null
  readonly targets: readonly {
    readonly target: string
    readonly weight: number
    readonly in: boolean
    readonly reason: string
  }[]
  readonly plugins: readonly { readonly name: string; readonly scope: string; readonly runs: boolean }[]
}

/**
 * What `other` does otherwise than `read`; empty when both do the same. With another route nothing after it can be
 * compared, so nothing else is told.
 */
export function explanationDifferences(read: ComparedExplanation, other: ComparedExplanation): string[] {
  const routes = [routeText(read), routeText(other)]
  if (routes[0] !== routes[1]) return [`route ${routes[1]} (not ${routes[0]})`]
  const services = [serviceText(read), serviceText(other)]
  return [
    ...(services[0] === services[1] ? [] : [`service ${services[1]} (not ${services[0]})`]),
    ...targetDifferences(read.targets, other.targets),
    ...pluginDifferences(read.plugins, other.plugins),
  ]
}

function routeText({ route }: ComparedExplanation): string {
  return route === null ? 'none' : `${route.name || route.id} to path ${route.upstreamPath}`
}

function serviceText({ service }: ComparedExplanation): string {
  if (service === null) return 'none'
  const { name, id, host, enabled, upstream } = service
  const via = upstream === null ? `${host} by DNS` : `upstream ${upstream.name} (${upstream.algorithm})`
  return `${name || id} to ${via}${enabled ? '' : ', switched off'}`
}

function targetDifferences(
  read: ComparedExplanation['targets'],
  other: ComparedExplanation['targets'],
): string[] {
  const there = new Map(other.map((each) => [each.target, each]))
  const here = new Set(read.map(({ target }) => target))
  return [
    ...read.flatMap((each) => {
      const found = there.get(each.target)
      if (found === undefined) return [`target ${each.target} is missing`]
      if (found.in === each.in && found.weight === each.weight) return []
      return [
        `target ${each.target} weight ${found.weight} ${inOrOut(found)}: ${found.reason} ` +
          `(not ${each.weight} ${inOrOut(each)})`,
      ]
    }),
    ...other.flatMap(({ target, ...found }) =>
      here.has(target) ? [] : [`target ${target} too, weight ${found.weight} ${inOrOut(found)}`],
    ),
  ]
}

const inOrOut = (each: { readonly in: boolean }): string => (each.in ? 'in' : 'out')

function pluginDifferences(
  read: ComparedExplanation['plugins'],
  other: ComparedExplanation['plugins'],
): string[] {
  const running = (plugins: ComparedExplanation['plugins']) =>
    new Set(plugins.filter(({ runs }) => runs).map(({ name, scope }) => `${name} (${scope})`))
  const [here, there] = [running(read), running(other)]
  return [
    ...[...here].filter((each) => !there.has(each)).map((each) => `plugin ${each} does not run`),
    ...[...there].filter((each) => !here.has(each)).map((each) => `plugin ${each} runs too`),
  ]
}
