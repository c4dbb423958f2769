import type { WorkerProcess } from './worker-process.ts'

const LIMIT_MS = 1_000

/** Asks the working process for its metrics. */
export class WorkerMetricsReader {
  readonly #asked = new Map<number, (text: string) => void>()
  #next = 0

  /** The text, or nothing when there is no worker or it does not answer within a second. */
  async read(worker: WorkerProcess | null): Promise<string> {
    if (!worker) return ''
    const number = this.#next++
    const text = await new Promise<string>((resolve) => {
      const timer = setTimeout(() => resolve(''), LIMIT_MS)
      this.#asked.set(number, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      worker.send({ type: 'metrics', number })
    })
    this.#asked.delete(number)
    return text
  }

  receive(number: number, text: string): void {
    this.#asked.get(number)?.(text)
  }
}
