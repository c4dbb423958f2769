import { createHash } from 'node:crypto'

/**
 * Downloads `url` and checks its SHA-256 before anyone sees the bytes.
 * The server gets 10 s to answer and `wholeMs` for the whole body.
 * @throws Error naming the URL when it is out of reach, answers other than 200 or the digest differs.
 */
export async function downloadChecked(url: string, sha256: string, wholeMs = 300_000): Promise<Buffer> {
  const abort = new AbortController()
  const answerTimer = setTimeout(() => abort.abort(new Error('no answer within 10 s')), 10_000)
  const wholeTimer = setTimeout(
    () => abort.abort(new Error(`not complete within ${wholeMs / 1000} s`)),
    wholeMs,
  )
  try {
    const response = await fetch(url, { signal: abort.signal })
    clearTimeout(answerTimer)
    if (!response.ok) throw new Error(`answered ${response.status}`)
    const body = Buffer.from(await response.arrayBuffer())
    const digest = createHash('sha256').update(body).digest('hex')
    if (digest !== sha256) throw new Error(`SHA-256 is ${digest}, expected ${sha256}`)
    return body
  } catch (error) {
    const cause = (error as Error).cause
    const reason = cause instanceof Error ? cause.message : (error as Error).message
    throw new Error(`GET ${url}: ${reason}`, { cause: error })
  } finally {
    clearTimeout(answerTimer)
    clearTimeout(wholeTimer)
  }
}
