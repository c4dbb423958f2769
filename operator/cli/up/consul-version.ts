import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Major and minor version of a Consul binary. */
export async function readConsulVersion(binary: string): Promise<readonly [number, number]> {
  const { stdout } = await promisify(execFile)(binary, ['version'], { timeout: 10_000 })
  const match = /^Consul v(\d+)\.(\d+)/.exec(stdout)
  if (!match) throw new Error(`${binary} version printed ${JSON.stringify(stdout.slice(0, 80))}`)
  return [Number(match[1]), Number(match[2])]
}
