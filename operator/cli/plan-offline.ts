import { readFileSync } from 'node:fs'
import { parseActual, parseCatalog } from '../core/offline.ts'
import type { PlanReport } from '../core/plan-report.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { CliError, explain } from './cli-error.ts'
import { reading } from './mesh-reading.ts'

/** A plan from two files, without Consul and Kong. @throws CliError that names the file and the place in it. */
export function planOffline(catalogFile: string, actualFile: string, config: OperatorConfig): PlanReport {
  const { snapshot, documents } = readFile(catalogFile, parseCatalog)
  const actual = readFile(actualFile, parseActual)
  return reading(config, snapshot, documents, actual).plan
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
