import { readFile } from 'node:fs/promises'
import { CliError, explain } from '../cli-error.ts'
import { type DeployFile, readDeployFile } from './deploy-file.ts'

/** @throws CliError FILE_UNREADABLE; DEPLOY_FILE_INVALID naming every field that is wrong */
export async function readGivenFile(path: string): Promise<DeployFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError('FILE_UNREADABLE', {
      tried: `reading ${path}`,
      answer: explain(error),
      remedy: 'give a file with services to deploy; kongsul deploy --help shows one',
    })
  })
  const read = readDeployFile(text)
  if (read.ok) return read.file
  throw new CliError('DEPLOY_FILE_INVALID', {
    tried: `reading ${path}`,
    answer: read.errors.join('; '),
    remedy: 'mend these fields; nothing was changed',
  })
}
