import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { type LeaderProcess, startLeader } from '../support/start-leader.ts'
import { waitFor } from '../support/wait-for.ts'

/** For a loaded machine; `npm run bench -- takeover` measures. */
const SLACK_MS = 2000

let consul: TestConsul
before(async () => {
  consul = await startConsul()
})
after(async () => consul?.stop())

/** A leader `first` and a follower `second` in a mesh of their own. */
async function withTwo(
  mesh: string,
  advertise: string,
  use: (first: LeaderProcess, second: LeaderProcess) => Promise<void>,
): Promise<void> {
  const started: LeaderProcess[] = []
  const start = async (id: string) => {
    const leader = await startLeader({ consul: consul.url, id, mesh, advertise })
    started.push(leader)
    return leader
  }
  try {
    const first = await start('first')
    await waitFor(() => first.claims(), { what: 'the first one leading' })
    const second = await start('second')
    await waitFor(() => second.leader() === 'first', { what: 'the second one following' })
    equal(second.claims(), false)
    await use(first, second)
  } catch (error) {
    const logs = started.map((leader) => `${leader.id}: ${JSON.stringify(leader.lines)}\n${leader.log()}`)
    throw new Error(`${(error as Error).message}\n${logs.join('\n')}`, { cause: error })
  } finally {
    await Promise.all(started.map((leader) => leader.end('SIGKILL')))
  }
}

const ways: [what: string, advertise: string, suffix: string][] = [
  ['probed by Consul', 'own', 'probed'],
  ['which Consul cannot reach', 'none', 'reporting'],
]
for (const [what, advertise, suffix] of ways) {
  describe(`operators ${what}`, { concurrency: true }, () => {
    test('a follower leads within 3 s after kill -9 of the leader', () =>
      withTwo(`killed-${suffix}`, advertise, async (first, second) => {
        await first.end('SIGKILL')
        await waitFor(() => second.claims(), { deadlineMs: 3000 + SLACK_MS, what: 'the takeover' })
      }))

    test('a follower leads within 1 s after a graceful stop of the leader, which leaves the catalog', () =>
      withTwo(`stopped-${suffix}`, advertise, async (first, second) => {
        first.signal('SIGTERM')
        await waitFor(() => second.claims(), { deadlineMs: 1000 + SLACK_MS, what: 'the takeover' })
        await first.end('SIGTERM')
        const rows = (await consul.request('GET', '/catalog/service/kongsul-operator')) as {
          readonly ServiceID: string
          readonly ServiceMeta: Readonly<Record<string, string>>
        }[]
        const ours = rows.filter(({ ServiceMeta }) => ServiceMeta['mesh'] === `stopped-${suffix}`)
        deepEqual(
          ours.map(({ ServiceID }) => ServiceID),
          [`kongsul-operator-stopped-${suffix}-second`],
        )
      }))

    test('a follower leads within 25 s after the leader hangs, which never claims to lead after waking', () =>
      withTwo(`hung-${suffix}`, advertise, async (first, second) => {
        first.signal('SIGSTOP')
        const stoppedAt = first.lines.length
        await waitFor(() => second.claims(), { deadlineMs: 25_000 + SLACK_MS, what: 'the takeover' })
        first.signal('SIGCONT')
        await waitFor(() => first.leader() === 'second', { what: 'the old leader learning of the new one' })
        const said = first.lines.slice(stoppedAt)
        ok(said.some(({ type }) => type === 'woke'))
        equal(
          said.some(({ claims, leading }) => claims === true || leading === true),
          false,
        )
        equal(second.claims(), true)
      }))
  })
}
