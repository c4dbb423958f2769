import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { DASHBOARDS } from '../../kong/grafana/dashboards.ts'
import { PROMETHEUS_FILES } from './prometheus.ts'

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** Of mesh.rules.yml, all groups. */
export function rulesOfTheMesh(): readonly Rule[] {
  const file = parse(readFileSync(join(PROMETHEUS_FILES, 'mesh.rules.yml'), 'utf8')) as {
    groups: { rules: Rule[] }[]
  }
  return file.groups.flatMap(({ rules }) => rules)
}

/** Every expression of every dashboard, variables filled in, by dashboard. */
export function dashboardExpressions(): ReadonlyMap<string, readonly string[]> {
  return new Map(
    [...DASHBOARDS].map(([name, text]) => {
      const { panels, templating, annotations } = JSON.parse(text) as {
        panels: { targets?: { expr?: string }[] }[]
        annotations: { list: { expr?: string }[] }
        templating: { list: { query: string | { query: string } }[] }
      }
      const queries = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr ?? []))
      const variables = templating.list.flatMap(({ query }) => {
        const { query: asked } = typeof query === 'string' ? { query: '' } : query
        return /^label_values\((\w+), \w+\)$/.exec(asked)?.[1] ?? []
      })
      const shown = annotations.list.flatMap(({ expr }) => expr ?? [])
      return [name, [...queries, ...variables, ...shown].map(filledIn)]
    }),
  )
}

const filledIn = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '1m').replaceAll('$service', 'web')

/** Names of metrics in an expression: what is neither a label, a function nor a word of the language. */
export function metricNames(expression: string): readonly string[] {
  const bare = expression
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\b(by|on|without|ignoring|group_left)\s*\([^)]*\)/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
  const names = bare.match(/[a-zA-Z_:][a-zA-Z0-9_:]*(?!\w*\s*\()/g) ?? []
  return [...new Set(names)].filter((name) => !WORDS.has(name) && !/^\d|^e\d+$/.test(name))
}

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset'])
