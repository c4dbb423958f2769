import type { ProcessConfig } from '../../config/load-config.ts'
import { whoLeads } from '../../leader/who-leads.ts'
import { CliError } from '../cli-error.ts'
import { readOperatorSettings } from '../operator-client.ts'

/**
 * What the operator that runs decides with, else what this process was given: a preview with other settings than the
 * operator's would be wrong, and another name of the mesh would take the operator's entities for nobody's.
 * @param note is told where an operator answers and does not say what it decides with
 * @throws CliError OPERATOR_DOWN when an operator leads that does not answer; OPERATOR_DENIED when one answers that
 *   refuses the token, and nobody leads the mesh that was given
 */
export async function asOperator(
  config: ProcessConfig,
  note: (line: string) => void,
): Promise<ProcessConfig> {
  let denial: CliError | null = null
  const told = await readOperatorSettings(config).catch((error: unknown) => {
    if (!(error instanceof CliError)) throw error
    denial = error
    return null
  })
  if (told !== null) return { ...config, operator: { ...config.operator, ...told } }
  const { consul, mesh } = config.operator
  const leader = await whoLeads(consul, mesh)
  if (denial !== null) refuseOrNote(denial, config, { leader, note })
  else if (leader !== null) {
    throw new CliError('OPERATOR_DOWN', {
      tried: `asking the operator of mesh ${mesh} what it decides with`,
      answer: `operator ${leader || '(without a name)'} leads, and none answers at ${config.addr}`,
      remedy: 'set KONGSUL_ADDR to where its API is reached',
    })
  }
  return config
}

function refuseOrNote(
  { tried, answer }: CliError,
  { operator: { mesh, hostSuffix, expose } }: ProcessConfig,
  { leader, note }: { leader: string | null; note: (line: string) => void },
): void {
  if (leader === null) {
    throw new CliError('OPERATOR_DENIED', {
      tried,
      answer: `${answer}; and nobody leads mesh ${mesh}, so that it may be of another one`,
      remedy: 'set KONGSUL_TOKEN_FILE to a file with its token, or KONGSUL_MESH to its mesh',
    })
  }
  note(
    `warning: ${tried}: ${answer}; taken to run with host suffix ${hostSuffix} and expose ${expose ?? 'tagged'}, as given ` +
      'here: what is shown below may be wrong\n           -> set KONGSUL_TOKEN_FILE to a file with its token',
  )
}
