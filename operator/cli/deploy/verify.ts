import type { ProcessConfig } from '../../config/load-config.ts'
import { CliError } from '../cli-error.ts'
import type { Finding } from '../doctor/finding.ts'
import { lookAtConsul, lookAtKong, nodeFinding } from '../doctor/run-doctor.ts'

/** Findings of one area that are fine, shortly, and warnings with what mends them. */
export interface Verified {
  readonly found: string
  readonly warnings: readonly string[]
}

/**
 * Node, Consul and Kong as `doctor` judges them: reachable, versions, plugins, the proxy.
 * @throws CliError DEPLOY_DEPENDENCY when one of them cannot be used
 */
export async function verifyDependencies(config: ProcessConfig): Promise<Verified> {
  const [consul, kong] = await Promise.all([lookAtConsul(config), lookAtKong(config)])
  const findings = [nodeFinding(process.versions.node), ...consul.findings, ...kong.findings]
  const problems = findings.filter(({ level }) => level === 'problem')
  if (problems.length > 0) {
    throw new CliError('DEPLOY_DEPENDENCY', {
      tried: 'verifying what is needed',
      answer: problems.map(({ area, found }) => `${area}: ${found}`).join('; '),
      remedy: problems.map(({ mend }) => mend).join('; '),
    })
  }
  const first = (area: Finding['area']) => findings.find((each) => each.area === area)?.found ?? ''
  return {
    found: `${first('node')}; Consul ${first('consul')}; Kong ${first('kong')}`,
    warnings: findings
      .filter(({ level }) => level === 'warning')
      .map(({ area, found, mend }) => `${area}: ${found}\n           -> ${mend}`),
  }
}
