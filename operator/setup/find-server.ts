import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

/** A server that tests and `up` need, and where it may come from. */
export interface ServerSources {
  /** Path that somebody has set; nothing else is tried then. */
  readonly configured: { readonly variable: string; readonly path: string | undefined }
  /** Paths at which it may be already, best first. */
  readonly places: readonly string[]
  /** How to bring it, best first. */
  readonly sources: readonly (readonly [what: string, bring: () => Promise<string>])[]
  /** Arguments that make it print its version, what that looks like, and the command's name in messages. */
  readonly version: { readonly command: string; readonly argument: string; readonly pattern: RegExp }
  /** Why there is none and what to do, before the list of what was tried. */
  readonly notFound: string
  /** One line about what is tried and which source was used. */
  readonly log: (line: string) => void
}

/**
 * Every candidate is asked for its version before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findServer(server: ServerSources): Promise<string> {
  const { configured, places, sources, version, notFound, log } = server
  if (configured.path) {
    const problem = await whyUnusable(configured.path, version)
    if (problem) throw new Error(`${configured.variable}=${configured.path} does not run: ${problem}`)
    return configured.path
  }
  const failures: string[] = []
  for (const path of places) {
    if (!existsSync(path)) continue
    const problem = await whyUnusable(path, version)
    if (!problem) return path
    failures.push(`${path}: ${problem}`)
  }
  for (const [what, bring] of sources) {
    log(`fetching ${what} ...`)
    try {
      const path = await bring()
      const problem = await whyUnusable(path, version)
      if (problem) throw new Error(`${path}: ${problem}`)
      log(`using ${what}: ${path}`)
      return path
    } catch (error) {
      log(`${what} cannot be had: ${(error as Error).message}`)
      failures.push((error as Error).message)
    }
  }
  throw new Error(`${notFound} Tried:\n  ${failures.join('\n  ')}`)
}

async function whyUnusable(path: string, version: ServerSources['version']): Promise<string | null> {
  const { command, argument, pattern } = version
  try {
    const { stdout, stderr } = await promisify(execFile)(path, [argument], { timeout: 10_000 })
    // nginx has it on standard error.
    const told = stdout || stderr
    return pattern.test(told)
      ? null
      : `\`${command} ${argument}\` printed ${JSON.stringify(told.slice(0, 80))}`
  } catch (error) {
    return (error as Error).message
  }
}
