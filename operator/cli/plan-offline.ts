import { readFileSync } from 'node:fs'
import type { KongState } from '../core/entity.ts'
import { parseActual, parseCatalog } from '../core/offline.ts'
import type { PlanReport } from '../core/plan-report.ts'
import { MESH_PLUGINS, type MeshPlugin } from '../core/service-plugins.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { CliError, explain } from './cli-error.ts'
import { reading } from './mesh-reading.ts'

/** A plan from two files, without Consul and Kong. @throws CliError that names the file and the place in it. */
export function planOffline(catalogFile: string, actualFile: string, config: OperatorConfig): PlanReport {
  const { snapshot, documents } = readFile(catalogFile, parseCatalog)
  const actual = readFile(actualFile, parseActual)
  return reading(config, snapshot, documents, { actual, plugins: pluginsIn(actual) }).plan
}

/** A file does not say what its Kong has loaded: what is used there is. */
function pluginsIn(actual: KongState): readonly MeshPlugin[] {
  const used = new Set(Array.from(actual.values(), ({ kind, name }) => `${kind} ${name}`))
  return MESH_PLUGINS.filter((name) => used.has(`plugin ${name}`))
}

function readFile<T>(path: string, parse: (text: string) => T): T {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new CliError('FILE_UNREADABLE', {
      tried: `reading ${path}`,
      answer: explain(error),
      remedy: 'give a file of the form that kongsul plan --help shows',
    })
  }
}
