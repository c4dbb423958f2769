import type { ProcessConfig } from '../config/load-config.ts'
import { whoLeads } from '../leader/who-leads.ts'
import { CliError } from './cli-error.ts'

/**
 * Whoever leads would write it all again.
 * @param tried `uninstalling`
 * @throws CliError while an operator of the mesh leads
 */
export async function refuseWhileLed({ operator }: ProcessConfig, tried: string): Promise<void> {
  const leader = await whoLeads(operator.consul, operator.mesh)
  if (leader === null) return
  throw new CliError('OPERATOR_RUNS', {
    tried,
    answer: `operator ${leader || '(without a name)'} leads mesh ${operator.mesh} and would write everything again`,
    remedy: 'stop every operator of this mesh first',
  })
}
