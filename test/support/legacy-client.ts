import { setTimeout as delay } from 'node:timers/promises'
import type { TestRedis } from './redis.ts'

/** A client written against the old API: it knows /api/v1/mesh and the streams, and nothing of migrations. */
export class LegacyClient {
  readonly #base: string

  constructor(operatorUrl: string) {
    this.#base = `${operatorUrl}/api/v1/mesh`
  }

  async enqueue(topic: string, task: object, headers: Record<string, string> = {}): Promise<string> {
    const answer = await fetch(`${this.#base}/enqueue`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ topic, task }),
    })
    const body = (await answer.json()) as { id: string; detail?: string }
    if (!answer.ok) throw new Error(`enqueue answered ${answer.status}: ${body.detail}`)
    return body.id
  }

  async results(topic: string, count = 100): Promise<{ id: string; data: Record<string, unknown> }[]> {
    const answer = await fetch(`${this.#base}/results?topic=${topic}&count=${count}`)
    if (!answer.ok) throw new Error(`results answered ${answer.status}`)
    return (await answer.json()) as { id: string; data: Record<string, unknown> }[]
  }
}

export interface LegacyWorker {
  /** Ids of the tasks it has worked on, in its order. */
  readonly done: readonly string[]
  stop(): Promise<void>
}

/** A worker of the old mesh: reads its topic in a group, writes one result for each task and acknowledges it. */
export async function startLegacyWorker(
  redis: TestRedis,
  topic: string,
  { name = 'worker-1', group = 'default' } = {},
): Promise<LegacyWorker> {
  const tasks = `stream:tasks:${topic}`
  await redis.command('XGROUP', 'CREATE', tasks, group, '$', 'MKSTREAM').catch((error: Error) => {
    if (!error.message.includes('BUSYGROUP')) throw error
  })
  const done: string[] = []
  let isStopped = false
  const work = async () => {
    while (!isStopped) {
      const reply = await redis.command(
        'XREADGROUP',
        'GROUP',
        group,
        name,
        'COUNT',
        '10',
        'STREAMS',
        tasks,
        '>',
      )
      const entries = reply === null ? [] : (reply as [string, [string, string[]][]][])[0]![1]
      for (const [id, [, json]] of entries) {
        const result = JSON.stringify({ task_id: id, by: name, task: JSON.parse(json!) })
        await redis.command('XADD', `stream:results:${topic}`, 'MAXLEN', '~', '10000', '*', 'json', result)
        await redis.command('XACK', tasks, group, id)
        done.push(id)
      }
      if (entries.length === 0) await delay(5)
    }
  }
  const working = work()
  return {
    done,
    stop: async () => {
      isStopped = true
      await working
    },
  }
}
