// How long after the end of the leader, in each way it may end, another operator writes: two processes of the election
// alone, so that nothing but the takeover is measured.
import { startConsul } from '../support/consul.ts'
import { startLeader } from '../support/start-leader.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Figure, Part } from './figure.ts'

const SAMPLES = 3

const WAYS: readonly [what: string, signal: NodeJS.Signals, goalMs: number][] = [
  ['kill -9', 'SIGKILL', 3000],
  ['a graceful stop', 'SIGTERM', 1000],
  ['SIGSTOP', 'SIGSTOP', 25_000],
]

export const takeover: Part = {
  name: 'takeover',
  about: 'the end of the leader until another operator writes',
  async run(log) {
    const consul = await startConsul()
    try {
      const figures: Figure[] = []
      for (const [what, signal, goal] of WAYS) {
        const took: number[] = []
        for (let sample = 0; sample < SAMPLES; sample++) {
          took.push(await measure(consul.url, `${signal.toLowerCase()}${sample}`, signal))
        }
        log(`${what}: ${took.map((ms) => ms.toFixed(0)).join(' ')}`)
        figures.push({
          what: `takeover after ${what}, longest of ${SAMPLES}`,
          value: Math.max(...took),
          unit: 'ms',
          goal,
        })
      }
      return figures
    } finally {
      await consul.stop()
    }
  },
}

async function measure(consul: string, mesh: string, signal: NodeJS.Signals): Promise<number> {
  const start = (id: string) => startLeader({ consul, id, mesh, advertise: 'own' })
  const first = await start('first')
  await waitFor(() => first.claims(), { what: 'the first one leading' })
  const second = await start('second')
  try {
    await waitFor(() => second.leader() === 'first', { what: 'the second one following' })
    const endedAt = Date.now()
    first.signal(signal)
    await waitFor(() => second.claims(), { what: 'the takeover', deadlineMs: 60_000 })
    const claimed = second.lines.findLast(({ type, claims }) => type === 'claims' && claims === true)
    return claimed!.atMs - endedAt
  } finally {
    await Promise.all([first.end('SIGKILL'), second.end('SIGKILL')])
  }
}
