import { carriedText, fromCarried } from '../../../operator/secrets/carried-files.ts'
import type { FileNews } from '../../../operator/secrets/watched-files.ts'
import type { LogLevel } from '../../../operator/telemetry/logger.ts'
import type { AgentConfig } from '../../agent/agent-config.ts'

/** What a working process runs with, as its supervisor has read it from settings. */
export interface WorkerSetup {
  /** Plugin files besides our own. */
  readonly pluginFiles: readonly string[]
  readonly handlerLimitMs: number
  /** After being held up for longer than this, what Kong has sent is not answered any more: it has stopped waiting. */
  readonly hangMs: number
  /** What is joined with circuits and outcomes besides Kong's calls. */
  readonly agent: AgentConfig
  readonly logLevel: LogLevel
}

/** A variable, because a command line is for everybody to see. */
export const WORKER_SETUP = 'KONGSUL_PLUGIN_WORKER'

/** The value of WORKER_SETUP: the worker then needs no code that reads settings. Secrets that are not in files are in clear. */
export const workerSetupText = (setup: WorkerSetup): string => carriedText(setup)

/** @throws Error when it was not started by a supervisor. */
export function readWorkerSetup(text: string | undefined, tell: (news: FileNews) => void): WorkerSetup {
  if (!text)
    throw new Error(`${WORKER_SETUP} is not set: \`kongsul plugins\` starts its working processes itself`)
  return fromCarried(text, tell) as WorkerSetup
}
