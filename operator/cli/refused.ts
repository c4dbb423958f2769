import { CliError } from './cli-error.ts'

/** What to say of an answer that is a refusal. @param tried method and address @param text its body */
export const refused = (tried: string, status: number, text: string): CliError =>
  new CliError(status === 404 ? 'NOT_FOUND' : 'OPERATOR_REFUSED', {
    tried,
    answer: `${status}: ${messageOf(text)}`,
    remedy: remedyOf(status),
  })

function remedyOf(status: number): string {
  if (status === 401 || status === 403)
    return 'set KONGSUL_TOKEN_FILE to a file with the token of this operator'
  if (status === 503) return 'see kongsul status and kongsul doctor, and try again'
  if (status === 422) return 'give what it asks for; --help has examples'
  return 'see kongsul status'
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text.slice(0, 300)
  } catch {
    return text.slice(0, 300) // not ours: a proxy between
  }
}
