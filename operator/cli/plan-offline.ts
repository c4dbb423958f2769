import { readFileSync } from 'node:fs'
import { desired } from '../core/desired.ts'
import { diff } from '../core/diff.ts'
import { parseActual, parseCatalog } from '../core/offline.ts'
import { acceptSettings } from '../core/settings.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { CliError, explain } from './cli-error.ts'
import { meshOptions } from './mesh-options.ts'
import { type PlanReport, planReport } from './plan-report.ts'

/** A plan from two files, without Consul and Kong. @throws CliError that names the file and the place in it. */
export function planOffline(catalogFile: string, actualFile: string, config: OperatorConfig): PlanReport {
  const { snapshot, documents } = readFile(catalogFile, parseCatalog)
  const actual = readFile(actualFile, parseActual)
  const { accepted, problems } = acceptSettings(null, documents)
  const wanted = desired({ snapshot, settings: accepted, options: meshOptions(config), actual })
  const changes = diff(actual, wanted.state, { mesh: config.mesh, policy: config.overrides.policy })
  return planReport({ problems: [...problems, ...wanted.problems] }, changes)
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
