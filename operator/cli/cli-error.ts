/** An error for the person at the terminal: what was tried, what came back, what to do. */
export class CliError extends Error {
  readonly code: string
  readonly tried: string
  readonly answer: string
  readonly remedy: string
  /** What was done before it failed, and stays so. */
  readonly left: readonly string[]

  constructor(
    code: string,
    {
      tried,
      answer,
      remedy,
      left = [],
    }: { tried: string; answer: string; remedy: string; left?: readonly string[] },
    options?: ErrorOptions,
  ) {
    super(`${tried}: ${answer}`, options)
    this.name = 'CliError'
    this.code = code
    this.tried = tried
    this.answer = answer
    this.remedy = remedy
    this.left = left
  }
}

/** The message of an error and of its causes, each once. fetch and Node hide the useful part in `cause`. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (let current: unknown = error; current !== undefined && current !== null; ) {
    const { message, code, cause, errors } = current as {
      message?: string
      code?: string
      cause?: unknown
      errors?: readonly Error[]
    }
    const part = message || code || errors?.map((each) => each.message).join('; ') || String(current)
    if (!parts.some((said) => said.includes(part))) parts.push(part)
    current = cause
  }
  return parts.join(': ')
}
