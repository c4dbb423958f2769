import { spawn } from 'node:child_process'
import { join } from 'node:path'

export interface LoadResult {
  readonly requests: number
  readonly failed: number
  /** From the first connection to the last answer. */
  readonly seconds: number
  /** Latencies in ms. */
  readonly p50: number
  readonly p99: number
}

/** `requests` GETs over kept connections, from a process of its own. */
export async function keepAliveLoad(
  url: string,
  { connections, requests, host }: { connections: number; requests: number; host?: string },
): Promise<LoadResult> {
  const script = join(import.meta.dirname, 'keep-alive-load.mjs')
  const args = [script, url, `${connections}`, `${requests}`, ...(host === undefined ? [] : [host])]
  const client = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of client.stdout.setEncoding('utf8')) text += chunk
  return JSON.parse(text) as LoadResult
}
